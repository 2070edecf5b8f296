//! The database: connection pools and queries.

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, thread};

use diesel::connection::{CacheSize, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection, NopErrorHandler};
use diesel::result::DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
use diesel::result::Error::DatabaseError;
use rocket::tokio::{task::spawn_blocking, time::timeout};

use crate::settings::DataSettings;
use crate::trace;

/// A connection to the database at `DATABASE_URL`.
#[cfg(not(feature = "postgres"))]
pub type DbConnection = SqliteConnection;

#[cfg(feature = "postgres")]
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

type Pool = r2d2::Pool<ConnectionManager<DbConnection>>;

/// The maximum wait of a query for a connection and, separately, for a lock.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum time that a request waits for a query, which can still complete later.
const QUERY_TIMEOUT: Duration = Duration::from_secs(6);

/// The database. Cloning a `Db` is cheap.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    /// SQLite only: connections that don't wait for locks.
    readers: Option<Pool>,
    sqlite_file: Option<PathBuf>,
}

/// A database error. The message is logged or printed, but never shown on a page.
#[derive(Debug)]
pub struct Error(String);

impl Db {
    /// Opens the database and runs its pending migrations.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, or if the database can't be opened or migrated.
    pub fn open(settings: &DataSettings) -> Result<Db, String> {
        let failed = |cause| format!("The database at DATABASE_URL can't be opened: {cause}");
        match settings.database_url.split_once("://") {
            // Each connection to `:memory:` would open its own database.
            Some(("sqlite", path)) if !path.is_empty() && !path.starts_with(":memory:") => {
                sqlite::open(path, settings).map_err(|cause| failed(format!("{path}: {cause}")))
            }
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => {
                postgres::open(settings).map_err(|cause| failed(cause.to_string()))
            }
            _ => Err("DATABASE_URL must be sqlite:// and the path of a file, or, if built with \
                      the feature postgres, postgres://…"
                .to_owned()),
        }
    }

    /// Returns whether the database is PostgreSQL, which several instances can share.
    pub fn is_postgres(&self) -> bool {
        self.sqlite_file.is_none()
    }

    /// Runs a query on a blocking thread.
    pub async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.check_file()?;
        let pool = self.pool.clone();
        let work = move || execute(&mut *pool.get().map_err(error)?, query);
        let work = trace::in_current(work);
        timeout(QUERY_TIMEOUT, spawn_blocking(work)).await.map_err(error)?.map_err(error)?
    }

    /// Runs queries in a transaction on a blocking thread. The first query must write, because SQLite does
    /// not wait for a write lock in a transaction that has begun with a read.
    pub async fn transaction<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(|connection| connection.transaction(queries)).await
    }

    /// Runs a read-only query that finds rows by an index.
    ///
    /// With SQLite, runs the query on the current thread, because waking another thread takes longer than
    /// the query. Queries that would have to wait for a connection or a lock go to [`run`](Db::run).
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.check_file()?;
        if let Some(mut reader) = self.readers.as_ref().and_then(Pool::try_get)
            && let Ok(found) = execute(&mut reader, &query)
        {
            return Ok(found);
        }
        self.run(query).await
    }

    /// Returns an error if the SQLite file is missing, because otherwise SQLite would continue to use
    /// the deleted file, and new data would be lost.
    fn check_file(&self) -> Result<(), Error> {
        match &self.sqlite_file {
            Some(file) if !file.exists() => Err(error("the file is missing")),
            _ => Ok(()),
        }
    }
}

fn execute<T>(
    connection: &mut DbConnection,
    query: impl FnOnce(&mut DbConnection) -> QueryResult<T>,
) -> Result<T, Error> {
    trace::instrument(connection);
    let result = query(connection);
    if let Err(DatabaseError(kind, cause)) = &result {
        let is_lost = matches!(kind, ClosedConnection | UnableToSendCommand);
        // Makes the pool drop a connection that is lost or was opened while the file was read-only.
        if is_lost || cause.message().contains("readonly") {
            type Manager = <DbConnection as Connection>::TransactionManager;
            Manager::transaction_manager_status_mut(connection).set_in_error();
        }
    }
    result.map_err(error)
}

/// The setup of a new connection.
#[derive(Debug)]
struct Setup {
    /// Statements that set time limits, for example.
    sql: Option<String>,
    prepared_statements: bool,
}

impl CustomizeConnection<DbConnection, r2d2::Error> for Setup {
    fn on_acquire(&self, connection: &mut DbConnection) -> Result<(), r2d2::Error> {
        if !self.prepared_statements {
            connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        let Some(sql) = &self.sql else { return Ok(()) };
        connection.batch_execute(sql).map_err(r2d2::Error::QueryError)
    }
}

/// Returns the default maximum number of connections: one per core, but at least 4.
fn default_pool_size() -> u32 {
    thread::available_parallelism().map_or(1, |cores| cores.get() as u32).max(4)
}

/// Creates a pool. PostgreSQL must have no idle connections, because libpq can crash if the process exits while
/// it connects in the background.
fn new_pool(url: String, setup: Setup, max_size: u32, min_idle: u32) -> Pool {
    r2d2::Pool::builder()
        .max_size(max_size)
        .min_idle(Some(min_idle))
        .connection_timeout(WAIT_TIMEOUT)
        .test_on_check_out(false)
        .error_handler(Box::new(NopErrorHandler))
        .connection_customizer(Box::new(setup))
        .build_unchecked(ConnectionManager::new(url))
}

fn error(cause: impl fmt::Display) -> Error {
    // `MultiConnection` reports every failed connection with this message.
    let vague = "Invalid connection url for multiconnection";
    Error(cause.to_string().replace(vague, "PostgreSQL accepts no connection"))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database error: {}", self.0)
    }
}
