//! Storage for the buckets of the rate limits.
//!
//! With PostgreSQL, the buckets are in the database, so that all instances share them. With SQLite, they are
//! in memory, and a restart empties them.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

use super::Error;
use crate::db::Db;

/// The maximum number of buckets. In memory, the least recently used are dropped. In the database, those
/// closest to being empty are deleted.
// The compiler checks this `unwrap`, because the value is a constant.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// A SHA-256 hash of what is counted, because users sometimes enter passwords as usernames by mistake.
type Key = [u8; 32];

/// A bucket, as two Unix timestamps in seconds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When the bucket will be empty. Each failure postpones this time.
    pub empty_at: i64,
    pub blocked_until: i64,
}

pub enum Buckets {
    Memory(Mutex<LruCache<Key, Bucket>>),
    #[cfg(feature = "postgres")]
    Database(Db),
}

impl Buckets {
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables))]
    pub fn new(db: &Db) -> Buckets {
        #[cfg(feature = "postgres")]
        if db.is_postgres() {
            return Buckets::Database(db.clone());
        }
        Buckets::Memory(Mutex::new(LruCache::new(CAPACITY)))
    }

    /// Returns the buckets with `keys`, in the same order.
    pub async fn read(&self, keys: Vec<Key>) -> Result<Vec<Bucket>, Error> {
        match self {
            Buckets::Memory(buckets) => {
                let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
                let read = |key| buckets.get(key).copied().unwrap_or_default();
                Ok(keys.iter().map(read).collect())
            }
            #[cfg(feature = "postgres")]
            Buckets::Database(db) => postgres::read(db, keys).await,
        }
    }

    /// Changes the buckets with `keys` atomically.
    pub async fn update<T: Send + 'static>(
        &self,
        keys: Vec<Key>,
        change: impl FnOnce(&mut [Bucket]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        match self {
            Buckets::Memory(buckets) => {
                let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
                let read = |key| buckets.pop(key).unwrap_or_default();
                let mut changed: Vec<_> = keys.iter().map(read).collect();
                let result = change(&mut changed);
                let used = |(_, bucket): &(Key, Bucket)| *bucket != Bucket::default();
                for (key, bucket) in keys.into_iter().zip(changed).filter(used) {
                    buckets.put(key, bucket);
                }
                Ok(result)
            }
            #[cfg(feature = "postgres")]
            Buckets::Database(db) => postgres::update(db, keys, change).await,
        }
    }
}

#[cfg(feature = "postgres")]
pub(super) mod postgres {
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Binary};

    use super::{Bucket, CAPACITY, Key};
    use crate::accounts::Error;
    use crate::db::{Db, DbConnection};

    diesel::table! {
        buckets (key) {
            key -> Binary,
            empty_at -> BigInt,
            blocked_until -> BigInt,
        }
    }

    /// Locks a bucket, and inserts it if it is missing. Attempts can't deadlock, because the key of the
    /// address comes last.
    const LOCK: &str = "INSERT INTO buckets (key, empty_at, blocked_until)
        VALUES ($1, 0, 0) ON CONFLICT (key) DO UPDATE SET key = excluded.key";

    /// Deletes buckets that are empty, or so far ahead that the clock must have been set back.
    const DELETE_EMPTY: &str = "DELETE FROM buckets WHERE key IN (
        SELECT key FROM buckets WHERE empty_at < $1 OR empty_at > $1 + 200000
        LIMIT $2 FOR UPDATE SKIP LOCKED)";

    /// Deletes buckets over the capacity. The inner query does not lock, because it would lock all rows.
    const DELETE_EXCESS: &str = "DELETE FROM buckets WHERE key IN (
        SELECT key FROM buckets WHERE key IN (
            SELECT key FROM buckets ORDER BY empty_at DESC OFFSET $1 LIMIT $2)
        FOR UPDATE SKIP LOCKED)";

    pub async fn read(db: &Db, keys: Vec<Key>) -> Result<Vec<Bucket>, Error> {
        Ok(db.run(move |connection| find_all(connection, &keys)).await?)
    }

    pub async fn update<T: Send + 'static>(
        db: &Db,
        keys: Vec<Key>,
        change: impl FnOnce(&mut [Bucket]) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let update = db.transaction(move |connection| {
            for key in &keys {
                diesel::sql_query(LOCK).bind::<Binary, _>(key.to_vec()).execute(connection)?;
            }
            let mut changed = find_all(connection, &keys)?;
            let result = change(&mut changed);
            for (key, bucket) in keys.iter().zip(changed) {
                diesel::update(buckets::table.find(key.to_vec()))
                    .set((
                        buckets::empty_at.eq(bucket.empty_at),
                        buckets::blocked_until.eq(bucket.blocked_until),
                    ))
                    .execute(connection)?;
            }
            Ok(result)
        });
        Ok(update.await?)
    }

    fn find_all(connection: &mut DbConnection, keys: &[Key]) -> QueryResult<Vec<Bucket>> {
        let columns = (buckets::empty_at, buckets::blocked_until);
        let find = |key: &Key| {
            let row = buckets::table.find(key.to_vec()).select(columns);
            let found: Option<(i64, i64)> = row.get_result(connection).optional()?;
            let (empty_at, blocked_until) = found.unwrap_or_default();
            Ok(Bucket { empty_at, blocked_until })
        };
        keys.iter().map(find).collect()
    }

    /// Deletes up to `limit` empty buckets, or if there are none, up to `limit` over the capacity. Returns
    /// how many.
    pub fn delete_batch(connection: &mut DbConnection, now: i64, limit: i64) -> QueryResult<usize> {
        let mut delete = |sql, first| {
            let sql = diesel::sql_query(sql).bind::<BigInt, _>(first);
            sql.bind::<BigInt, _>(limit).execute(connection)
        };
        match delete(DELETE_EMPTY, now)? {
            0 => delete(DELETE_EXCESS, CAPACITY.get() as i64),
            count => Ok(count),
        }
    }
}
