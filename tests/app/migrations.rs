//! The folders of migrations, one for each database.

use std::collections::BTreeSet;
use std::fs;

fn names(database: &str) -> BTreeSet<String> {
    let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    assert_eq!(names("sqlite"), names("postgres"));
}

/// Of two migrations with the same version, Diesel silently skips one.
#[test]
fn every_migration_has_its_own_version() {
    let names = names("sqlite");
    let versions: BTreeSet<_> = names.iter().map(|name| name.split('_').next().unwrap()).collect();
    assert_eq!(versions.len(), names.len(), "{names:?}");
}
