//! The migration directories, one for each database.

use std::collections::BTreeSet;
use std::fs;

fn migration_names(database: &str) -> BTreeSet<String> {
    let dir = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    assert_eq!(migration_names("sqlite"), migration_names("postgres"));
}

/// Versions must differ, because Diesel silently skips a migration whose version has already run.
#[test]
fn every_migration_has_a_unique_version() {
    let names = migration_names("sqlite");
    let versions: BTreeSet<_> = names.iter().map(|name| name.split('_').next().unwrap()).collect();
    assert_eq!(versions.len(), names.len(), "{names:?}");
}
