//! The migrations, which run at each start.

use std::error::Error;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::private_files;

/// Creates the file at `path` if it does not exist, and runs the pending migrations. SQLite gives
/// the `-wal` and `-shm` files the same permissions.
pub fn run_on_sqlite(
    path: &str,
    url: &str,
    setup: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
    private_files::create(Path::new(path))?;
    let mut connection = SqliteConnection::establish(url)?;
    connection.batch_execute(setup)?;
    connection
        .immediate_transaction(|connection| connection.run_pending_migrations(MIGRATIONS).map(drop))
}

/// Runs the pending migrations.
#[cfg(feature = "postgres")]
pub fn run_on_postgres(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");
    PgConnection::establish(url)?.transaction(|connection| {
        // If two instances start at the same time, the second waits. The number is arbitrary.
        connection.batch_execute("SELECT pg_advisory_xact_lock(7073225517)")?;
        connection.run_pending_migrations(MIGRATIONS).map(drop)
    })
}
