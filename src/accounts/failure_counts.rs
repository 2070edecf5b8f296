//! The counts of the rate limits, each under the hash of its key.
//!
//! With PostgreSQL, the counts are in the database, because several instances can share it. With SQLite,
//! they are in the memory of the process. A restart then resets them.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::Error;
use super::throttle::{Failures, Key};
use crate::db::Db;

/// The maximum number of counts. The least recently used are dropped first, in the database those that
/// will be forgotten first. The compiler checks this `unwrap`, because the value is a constant.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

pub enum FailureCounts {
    Memory(Mutex<LruCache<Vec<u8>, Failures>>),
    #[cfg(feature = "postgres")]
    Database(Db),
}

impl FailureCounts {
    pub fn new(db: &Db) -> FailureCounts {
        #[cfg(feature = "postgres")]
        if db.is_postgres() {
            return FailureCounts::Database(db.clone());
        }
        let _ = db;
        FailureCounts::Memory(Mutex::new(LruCache::new(CAPACITY)))
    }

    /// Returns the counts of `keys`, in the same order.
    pub async fn read(&self, keys: &[Key]) -> Result<Vec<Failures>, Error> {
        match self {
            FailureCounts::Memory(counts) => {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(keys
                    .iter()
                    .map(|key| counts.get(&key.hash).copied().unwrap_or_default())
                    .collect())
            }
            #[cfg(feature = "postgres")]
            FailureCounts::Database(db) => postgres::read(db, keys.to_vec()).await,
        }
    }

    /// Changes the counts of `keys`, which no other change can interrupt.
    pub async fn update<T: Send + 'static>(
        &self,
        keys: &[Key],
        change: impl FnOnce(&mut [Failures]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            FailureCounts::Memory(counts) => {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                let read = |key: &Key| counts.pop(&key.hash).unwrap_or_default();
                let mut changed: Vec<_> = keys.iter().map(read).collect();
                let result = change(&mut changed);
                for (key, failures) in keys.iter().zip(changed) {
                    if failures != Failures::default() {
                        counts.put(key.hash.clone(), failures);
                    }
                }
                Ok(result)
            }
            #[cfg(feature = "postgres")]
            FailureCounts::Database(db) => postgres::update(db, keys.to_vec(), change).await,
        }
    }
}

#[cfg(feature = "postgres")]
pub(super) mod postgres {
    use diesel::prelude::*;
    use diesel::sql_types::Binary;

    use super::{CAPACITY, Failures, Key};
    use crate::accounts::Error;
    use crate::db::{Db, DbConnection};

    diesel::table! {
        failure_counts (key) {
            key -> Binary,
            forgotten_at -> BigInt,
            blocked_until -> BigInt,
        }
    }

    pub async fn read(db: &Db, keys: Vec<Key>) -> Result<Vec<Failures>, Error> {
        Ok(db.run(move |connection| keys.iter().map(|key| find(connection, key)).collect()).await?)
    }

    pub async fn update<T: Send + 'static>(
        db: &Db,
        keys: Vec<Key>,
        change: impl FnOnce(&mut [Failures]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let update = db.transaction(move |connection| {
            for key in &keys {
                lock(connection, key)?;
            }
            let counts: QueryResult<Vec<_>> =
                keys.iter().map(|key| find(connection, key)).collect();
            let mut counts = counts?;
            let result = change(&mut counts);
            for (key, failures) in keys.iter().zip(counts) {
                diesel::update(failure_counts::table.find(&key.hash))
                    .set((
                        failure_counts::forgotten_at.eq(failures.forgotten_at),
                        failure_counts::blocked_until.eq(failures.blocked_until),
                    ))
                    .execute(connection)?;
            }
            Ok(result)
        });
        Ok(update.await?)
    }

    /// Locks a count until the end of the transaction. Two transactions can't wait for each other,
    /// because the key of an address always comes last.
    fn lock(connection: &mut DbConnection, key: &Key) -> QueryResult<usize> {
        let insert =
            "INSERT INTO failure_counts (key, forgotten_at, blocked_until) VALUES ($1, 0, 0)
            ON CONFLICT (key) DO UPDATE SET key = excluded.key";
        diesel::sql_query(insert).bind::<Binary, _>(&key.hash).execute(connection)
    }

    fn find(connection: &mut DbConnection, key: &Key) -> QueryResult<Failures> {
        let columns = (failure_counts::forgotten_at, failure_counts::blocked_until);
        let found = failure_counts::table.find(&key.hash).select(columns).get_result(connection);
        let found = found
            .optional()?
            .map(|(forgotten_at, blocked_until)| Failures { forgotten_at, blocked_until });
        Ok(found.unwrap_or_default())
    }

    /// Deletes at most `limit` counts that are forgotten, and as many that exceed the capacity. Returns
    /// how many.
    pub fn delete_batch(connection: &mut DbConnection, now: i64, limit: i64) -> QueryResult<usize> {
        let counts = diesel::alias!(failure_counts as counts);
        let forgotten_at = counts.field(failure_counts::forgotten_at);
        let batch = counts.select(counts.field(failure_counts::key)).limit(limit);
        let forgotten = batch.filter(forgotten_at.lt(now));
        let excess = batch.order(forgotten_at.desc()).offset(CAPACITY.get() as i64);
        let table = failure_counts::table;
        let forgotten = diesel::delete(table.filter(failure_counts::key.eq_any(forgotten)));
        let excess = diesel::delete(table.filter(failure_counts::key.eq_any(excess)));
        Ok(forgotten.execute(connection)? + excess.execute(connection)?)
    }
}
