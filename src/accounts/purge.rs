//! Deletes expired rows in small batches.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use rocket::tokio::{spawn, time::sleep};

use super::{Accounts, Error};
use crate::db::{Db, DbConnection};

/// The maximum number of rows that a statement deletes, so that a login waits only briefly.
const BATCH: i64 = 500;

/// The pause between transactions, so that logins can write.
const PAUSE: Duration = Duration::from_millis(20);

/// The minimum time between two purges in the background.
const INTERVAL: Duration = Duration::from_secs(1);

impl Accounts {
    /// Purges in the background, unless this process is purging or has just purged.
    pub(super) fn purge_in_background(&self) {
        let Ok(permit) = self.purge_permit.clone().try_acquire_owned() else { return };
        let (db, now) = (self.db.clone(), self.clock.now());
        spawn(async move {
            if let Err(cause) = purge_expired(&db, now).await {
                rocket::warn!("Expired rows were not deleted: {cause}");
            }
            sleep(INTERVAL).await;
            drop(permit);
        });
    }

    /// Deletes the expired sessions of all users. Returns how many.
    pub async fn purge_sessions(&self) -> Result<usize, Error> {
        purge(&self.db, self.clock.now(), delete_sessions).await
    }
}

async fn purge_expired(db: &Db, now: i64) -> Result<(), Error> {
    purge(db, now, delete_sessions).await?;
    #[cfg(feature = "postgres")]
    if db.is_postgres() {
        purge(db, now, super::buckets::postgres::delete_batch).await?;
    }
    Ok(())
}

type DeleteBatch = fn(connection: &mut DbConnection, now: i64, limit: i64) -> QueryResult<usize>;

/// Deletes batches until nothing is left to delete, or until another instance is purging. Returns the
/// number of rows.
async fn purge(db: &Db, now: i64, delete_batch: DeleteBatch) -> Result<usize, Error> {
    let mut total = 0;
    loop {
        let batch = db.transaction(move |connection| {
            #[cfg(feature = "postgres")]
            if !try_lock(connection)? {
                return Ok(0);
            }
            delete_batch(connection, now, BATCH)
        });
        match batch.await? {
            0 => return Ok(total),
            count => total += count,
        }
        sleep(PAUSE).await;
    }
}

/// Takes a lock until the end of the transaction, if it is free. Its number is arbitrary.
#[cfg(feature = "postgres")]
fn try_lock(connection: &mut DbConnection) -> QueryResult<bool> {
    if let DbConnection::Sqlite(_) = connection {
        return Ok(true); // The transaction itself is the lock.
    }
    let lock = "pg_try_advisory_xact_lock(7073225518)";
    diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(lock)).get_result(connection)
}

/// Deletes expired sessions. With PostgreSQL, skips those that another transaction has locked, so that the
/// purge and a login can't deadlock.
fn delete_sessions(connection: &mut DbConnection, now: i64, limit: i64) -> QueryResult<usize> {
    let skip_locked = match connection {
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(_) => "FOR UPDATE SKIP LOCKED",
        _ => "",
    };
    let delete = format!(
        "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2 {skip_locked})"
    );
    let delete = diesel::sql_query(delete).bind::<BigInt, _>(now).bind::<BigInt, _>(limit);
    delete.execute(connection)
}
