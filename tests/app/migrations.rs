//! The migration directories, one for each database.

use std::collections::BTreeSet;
use std::fs;

fn migration_names(database: &str) -> BTreeSet<String> {
    let dir = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).filter(|name| !name.starts_with('.')).collect()
}

/// With SQLite, there is only one instance, whose buckets of the rate limits are in memory.
#[test]
fn only_the_migrations_for_several_instances_are_for_postgres_alone() {
    let mut postgres = migration_names("postgres");
    assert!(postgres.remove("2026-11-26-110100_create_buckets"));
    assert!(postgres.remove("2026-11-27-090000_create_key_fingerprints"));
    assert_eq!(migration_names("sqlite"), postgres);
}

/// Versions must differ, because Diesel silently skips a migration whose version has already run.
#[test]
fn every_migration_has_a_unique_version() {
    let names = migration_names("postgres");
    let versions: BTreeSet<_> = names.iter().map(|name| name.split('_').next().unwrap()).collect();
    assert_eq!(versions.len(), names.len(), "{names:?}");
}
