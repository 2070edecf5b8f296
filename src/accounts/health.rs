//! The health check of the database.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::{Accounts, Error};
use crate::schema::users;

/// The minimum time between two writes, because anyone can request a health check.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// A write that leaves no row behind. SQLite would not write an update to the same value to its file.
const WRITE: &str =
    "INSERT INTO __diesel_schema_migrations (version) VALUES ('health ' || random());
    DELETE FROM __diesel_schema_migrations WHERE version LIKE 'health %'";

/// Writes more than 64 KiB to a temporary file. The statement above only fills a hole in a page, so it succeeds even
/// if the disk of PostgreSQL is full.
const WRITE_TEMPORARY_FILE: &str =
    "SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 10000)";

/// When the last write ended, and why it failed, if it did.
pub(super) type LastWrite = Option<(Instant, Result<(), String>)>;

impl Accounts {
    /// Checks that the database responds and accepts writes, which it rejects if its disk is full.
    ///
    /// # Errors
    ///
    /// Returns an error if a query fails or does not complete in time.
    pub async fn check_database(&self) -> Result<(), Error> {
        let any = users::table.select(users::id);
        self.db.run(move |connection| any.first::<i64>(connection).optional().map(drop)).await?;
        let mut last = self.last_write.lock().await;
        let recent = last.as_ref().filter(|(at, _)| at.elapsed() < WRITE_INTERVAL);
        if let Some((_, result)) = recent {
            return result.clone().map_err(Error::Unavailable);
        }
        let is_postgres = self.db.is_postgres();
        let write = self.db.transaction(move |connection| {
            connection.batch_execute(WRITE)?;
            if is_postgres { connection.batch_execute(WRITE_TEMPORARY_FILE) } else { Ok(()) }
        });
        let written = write.await;
        let result = written.map_err(|cause| cause.to_string());
        *last = Some((Instant::now(), result.clone()));
        result.map_err(Error::Unavailable)
    }
}
