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

/// Runs the pending migrations in one transaction.
#[cfg(feature = "postgres")]
pub fn run_on_postgres(connection: &mut PgConnection) -> Result<(), Box<dyn Error + Send + Sync>> {
    const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");
    connection.transaction(|connection| {
        // If two instances start at the same time, the second waits. The number is arbitrary.
        let lock = "SELECT pg_advisory_xact_lock(7073225517)";
        // A migration may take long, but not wait long for a table, because every query of the table would wait
        // behind it. If it fails, systemd starts the app again.
        let limits = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
        connection.batch_execute(&format!("{limits}; {lock}; SET LOCAL lock_timeout = '2s'"))?;
        connection.run_pending_migrations(MIGRATIONS).map(drop)
    })
}
