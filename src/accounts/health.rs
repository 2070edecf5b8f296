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
        let written = self.db.transaction(|connection| connection.batch_execute(WRITE)).await;
        let result = written.map_err(|cause| cause.to_string());
        *last = Some((Instant::now(), result.clone()));
        result.map_err(Error::Unavailable)
    }
}
