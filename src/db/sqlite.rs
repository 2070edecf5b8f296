//! SQLite: a file, opened by each connection.

use std::error::Error;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{ConnectionError, ConnectionResult, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::pool::{Identity, Source};
use super::{DbConnection, PATIENCE};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

pub struct File {
    path: String,
}

impl File {
    pub fn new(path: &str) -> Result<File, String> {
        // Each connection to `:memory:` has a database of its own.
        if path.is_empty() || path.starts_with(":memory:") {
            return Err("DATABASE_URL must name a file after sqlite://".to_owned());
        }
        Ok(File { path: path.to_owned() })
    }

    /// Readers don't wait for a writer, a writer waits for another, and rows don't outlive their user.
    fn open(&self, mode: &str, patience: Duration) -> ConnectionResult<SqliteConnection> {
        let path = self.path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let mut connection = SqliteConnection::establish(&format!("file:{path}?mode={mode}"))?;
        connection
            .batch_execute(&format!(
                "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;",
                patience.as_millis(),
            ))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

impl Source for File {
    fn migrate(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut file =
            self.open("rwc", PATIENCE).map_err(|cause| format!("{}: {cause}", self.path))?;
        file.immediate_transaction(|file| file.run_pending_migrations(MIGRATIONS).map(drop))
    }

    /// Makes no file: one that is missing now may come back.
    fn connect(&self, patience: Duration) -> ConnectionResult<DbConnection> {
        let connection = self.open("rw", patience)?;
        #[cfg(feature = "postgres")]
        let connection = DbConnection::Sqlite(connection);
        Ok(connection)
    }

    /// The file's: what is written to one that was deleted is lost.
    #[cfg(unix)]
    fn identity(&self) -> Identity {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(&self.path).ok().map(|file| (file.dev(), file.ino()))
    }

    fn is_local(&self) -> bool {
        true
    }
}
