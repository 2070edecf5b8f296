//! PostgreSQL: a server, which several instances of the app can share.

use std::error::Error;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{ConnectionError, ConnectionResult, PgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::DbConnection;
use super::pool::Source;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Names the lock of whoever migrates. Any number that nothing else in the database takes.
const MIGRATING: i64 = 7_073_225_517;

pub struct Server {
    url: String,
}

impl Server {
    pub fn new(url: &str) -> Server {
        Server { url: url.to_owned() }
    }
}

impl Source for Server {
    fn migrate(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        PgConnection::establish(&self.url)?.transaction(|connection| {
            connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATING})"))?;
            connection.run_pending_migrations(MIGRATIONS).map(drop)
        })
    }

    fn connect(&self, patience: Duration) -> ConnectionResult<DbConnection> {
        let mut connection = PgConnection::establish(&self.url)?;
        connection
            .batch_execute(&format!("SET lock_timeout = {}", patience.as_millis()))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(DbConnection::Postgres(connection))
    }

    fn is_local(&self) -> bool {
        false
    }
}
