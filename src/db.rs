//! The way to the database: one pool, migrated when it opens, and no query on an async worker.

use std::fmt;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rocket::tokio::task::spawn_blocking;

/// The connection of the database that this build is for.
pub type DbConnection = diesel::SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// How long a request waits for a connection, and a connection for another's write.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Pool<ConnectionManager<DbConnection>>);

/// The database did not do what was asked. Its text is for the log, never for a page.
#[derive(Debug)]
pub struct Error(String);

impl Db {
    /// Opens the database at `url` and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// A sentence for the operator: the URL is not one of ours, or the database does not open.
    pub fn open(url: &str) -> Result<Db, String> {
        let path = url
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty() && !path.starts_with(":memory:"))
            .ok_or("DATABASE_URL must be sqlite:// and the path of a file")?;
        let failed =
            |cause: &dyn fmt::Display| format!("The database {path} does not open: {cause}");
        let mut connection = DbConnection::establish(path).map_err(|cause| failed(&cause))?;
        prepare(&mut connection).map_err(|cause| failed(&cause))?;
        // One transaction for all, so that of two processes that start together one waits.
        connection
            .immediate_transaction(|connection| {
                connection.run_pending_migrations(MIGRATIONS).map(drop)
            })
            .map_err(|cause: Box<dyn std::error::Error + Send + Sync>| failed(&cause))?;
        let pool = Pool::builder()
            .connection_timeout(PATIENCE)
            .test_on_check_out(false)
            .connection_customizer(Box::new(Prepare))
            .min_idle(Some(1))
            .build_unchecked(ConnectionManager::new(path));
        Ok(Db(pool))
    }

    /// Runs `query` on a thread that may block, with a connection for as long as it takes.
    ///
    /// # Errors
    ///
    /// No connection in time, or the query's own error.
    pub async fn run<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        let pool = self.0.clone();
        let done = spawn_blocking(move || {
            let mut connection = pool.get().map_err(Error::because)?;
            query(&mut connection).map_err(Error::because)
        });
        done.await.map_err(Error::because)?
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database: {}", self.0)
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The database, or what it stands on, failed because of `cause`.
    pub fn because(cause: impl fmt::Display) -> Error {
        Error(cause.to_string())
    }
}

#[derive(Debug)]
struct Prepare;

impl CustomizeConnection<DbConnection, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, connection: &mut DbConnection) -> Result<(), diesel::r2d2::Error> {
        prepare(connection).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// Readers don't wait for a writer, a writer waits for another, and rows don't outlive their user.
fn prepare(connection: &mut DbConnection) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;",
        PATIENCE.as_millis(),
    ))
}
