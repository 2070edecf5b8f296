//! The way to the database: a pool of connections, migrated when it opens, off Rocket's threads.

mod pool;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::timeout;

use pool::{Pool, Source, pool};

/// A connection to the database that `DATABASE_URL` names.
#[cfg(not(feature = "postgres"))]
pub type DbConnection = diesel::SqliteConnection;

/// A connection to the database that `DATABASE_URL` names.
#[cfg(feature = "postgres")]
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    Postgres(diesel::PgConnection),
    Sqlite(diesel::SqliteConnection),
}

/// How long a request waits for a connection, and a connection for a lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a request waits in all, even for a database that stopped in the middle of an answer.
const LIMIT: Duration = Duration::from_secs(6);

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    /// Where a short read takes less time than handing it to another thread.
    readers: Option<Pool>,
}

/// The database did not do what was asked. Its text is for the log, never for a page.
#[derive(Debug)]
pub struct Error(String);

impl Db {
    /// Opens the database at `url` and brings its tables up to date.
    pub fn open(url: &str) -> Result<Db, String> {
        let source = source(url)?;
        source.migrate().map_err(|cause| format!("The database does not open: {cause}"))?;
        let readers = source.is_local().then(|| pool(source.clone(), Duration::ZERO));
        Ok(Db { pool: pool(source, PATIENCE), readers })
    }

    /// Runs `query` on a thread that may block, with a connection for as long as it takes.
    pub async fn run<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        self.hand_over(move |pool| ask(pool, query)).await
    }

    /// Runs a `query` that finds a row by an index and changes nothing. SQLite answers it on this very
    /// thread, at once or not at all; wherever it would have to wait, [`run`](Db::run) does it.
    pub async fn read<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut DbConnection) -> QueryResult<T> + Send + 'static,
    {
        if let Some(mut reader) = self.readers.as_ref().and_then(Pool::try_get)
            && let Ok(found) = reader.run(&query)
        {
            return Ok(found);
        }
        self.hand_over(move |pool| {
            let mut connection = pool.get().map_err(Error::because)?;
            let found = connection.run(&query);
            if !connection.is_lost() {
                return found.map_err(Error::because);
            }
            // Once more: the server has been restarted since that connection was made.
            drop(connection);
            ask(pool, query)
        })
        .await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Pool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let pool = self.pool.clone();
        let done = spawn_blocking(move || work(&pool));
        timeout(LIMIT, done).await.map_err(Error::because)?.map_err(Error::because)?
    }
}

fn ask<T>(
    pool: &Pool,
    query: impl FnOnce(&mut DbConnection) -> QueryResult<T>,
) -> Result<T, Error> {
    let mut connection = pool.get().map_err(Error::because)?;
    connection.run(query).map_err(Error::because)
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

fn source(url: &str) -> Result<Arc<dyn Source>, String> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        return Ok(Arc::new(sqlite::File::new(path)?));
    }
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(postgres::Server::new(url)));
    }
    Err("DATABASE_URL must be sqlite:// and the path of a file, or in a build with the feature \
         postgres postgres:// and what follows"
        .to_owned())
}
