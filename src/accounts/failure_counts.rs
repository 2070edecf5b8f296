//! The storage of the counts of the rate limits.
//!
//! With PostgreSQL, the counts are in the database, because several instances can share it. With SQLite,
//! they are in the memory of the process. A restart then resets them.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::Error;
use crate::db::Db;

/// The maximum number of counts. In memory, the least recently used are dropped first. In the database,
/// those that will be forgotten first are deleted first.
// The compiler checks this `unwrap`, because the value is a constant.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// What is counted, as a SHA-256 hash, because users sometimes enter passwords as usernames by mistake.
type Key = [u8; 32];

/// A count. Times are Unix timestamps, in seconds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// When all failures will be forgotten. Each failure postpones this time.
    pub forgotten_at: i64,
    pub blocked_until: i64,
}

pub enum FailureCounts {
    Memory(Mutex<LruCache<Key, Failures>>),
    #[cfg(feature = "postgres")]
    Database(Db),
}

impl FailureCounts {
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables))]
    pub fn new(db: &Db) -> FailureCounts {
        #[cfg(feature = "postgres")]
        if db.is_postgres() {
            return FailureCounts::Database(db.clone());
        }
        FailureCounts::Memory(Mutex::new(LruCache::new(CAPACITY)))
    }

    /// Returns the counts for `keys`, in the same order.
    pub async fn read(&self, keys: Vec<Key>) -> Result<Vec<Failures>, Error> {
        match self {
            FailureCounts::Memory(counts) => {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                let read = |key| counts.get(key).copied().unwrap_or_default();
                Ok(keys.iter().map(read).collect())
            }
            #[cfg(feature = "postgres")]
            FailureCounts::Database(db) => postgres::read(db, keys).await,
        }
    }

    /// Changes the counts for `keys` atomically.
    pub async fn update<T: Send + 'static>(
        &self,
        keys: Vec<Key>,
        change: impl FnOnce(&mut [Failures]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            FailureCounts::Memory(counts) => {
                let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                let read = |key| counts.pop(key).unwrap_or_default();
                let mut changed: Vec<_> = keys.iter().map(read).collect();
                let result = change(&mut changed);
                let used = |(_, failures): &(Key, Failures)| *failures != Failures::default();
                for (key, failures) in keys.into_iter().zip(changed).filter(used) {
                    counts.put(key, failures);
                }
                Ok(result)
            }
            #[cfg(feature = "postgres")]
            FailureCounts::Database(db) => postgres::update(db, keys, change).await,
        }
    }
}

#[cfg(feature = "postgres")]
pub(super) mod postgres {
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Binary};

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

    /// Locks a count until the end of the transaction. Two attempts can't wait for each other, because
    /// the key of the address always comes last.
    const LOCK: &str = "INSERT INTO failure_counts (key, forgotten_at, blocked_until)
        VALUES ($1, 0, 0) ON CONFLICT (key) DO UPDATE SET key = excluded.key";

    /// Deletes counts that are forgotten, or so far in the future that the clock was set back since.
    const DELETE_FORGOTTEN: &str = "DELETE FROM failure_counts WHERE key IN (
        SELECT key FROM failure_counts WHERE forgotten_at NOT BETWEEN $1 AND $1 + 200000
        LIMIT $2 FOR UPDATE SKIP LOCKED)";

    const DELETE_EXCESS: &str = "DELETE FROM failure_counts WHERE key IN (
        SELECT key FROM failure_counts ORDER BY forgotten_at DESC
        OFFSET $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

    pub async fn read(db: &Db, keys: Vec<Key>) -> Result<Vec<Failures>, Error> {
        Ok(db.run(move |connection| find_all(connection, &keys)).await?)
    }

    pub async fn update<T: Send + 'static>(
        db: &Db,
        keys: Vec<Key>,
        change: impl FnOnce(&mut [Failures]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let update = db.transaction(move |connection| {
            for key in &keys {
                diesel::sql_query(LOCK).bind::<Binary, _>(key.to_vec()).execute(connection)?;
            }
            let mut counts = find_all(connection, &keys)?;
            let result = change(&mut counts);
            for (key, failures) in keys.iter().zip(counts) {
                diesel::update(failure_counts::table.find(key.to_vec()))
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

    fn find_all(connection: &mut DbConnection, keys: &[Key]) -> QueryResult<Vec<Failures>> {
        let columns = (failure_counts::forgotten_at, failure_counts::blocked_until);
        let find = |key: &Key| {
            let row = failure_counts::table.find(key.to_vec()).select(columns);
            let found: Option<(i64, i64)> = row.get_result(connection).optional()?;
            let (forgotten_at, blocked_until) = found.unwrap_or_default();
            Ok(Failures { forgotten_at, blocked_until })
        };
        keys.iter().map(find).collect()
    }

    /// Deletes at most `limit` counts that are forgotten, and as many that exceed the capacity. Returns
    /// how many.
    pub fn delete_batch(connection: &mut DbConnection, now: i64, limit: i64) -> QueryResult<usize> {
        let mut delete = |sql, first| {
            let sql = diesel::sql_query(sql).bind::<BigInt, _>(first);
            sql.bind::<BigInt, _>(limit).execute(connection)
        };
        Ok(delete(DELETE_FORGOTTEN, now)? + delete(DELETE_EXCESS, CAPACITY.get() as i64)?)
    }
}
