use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;

/// The number of failures after which attempts must wait.
pub const PER_USERNAME: u32 = 10;
pub const PER_ADDRESS: u32 = 100;

/// The longest wait, in seconds.
const MAX_WAIT: i64 = 15 * 60;

/// How long failures are counted, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// The number of counts that are kept. The least recently used one is dropped.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

#[derive(Default)]
struct Failures {
    /// When the count began.
    since: i64,
    count: u32,
    blocked_until: i64,
}

/// Counts failures by key.
pub struct Throttle(Mutex<LruCache<String, Failures>>);

impl Throttle {
    pub fn new() -> Throttle {
        Throttle(Mutex::new(LruCache::new(CAPACITY)))
    }

    /// Counts an attempt as a failure. Returns the seconds to wait if there were too many.
    pub fn begin(&self, key: &str, limit: u32, now: i64) -> Result<(), i64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = all.get_or_insert_mut(key.to_owned(), Failures::default);
        if now < failures.blocked_until {
            return Err(failures.blocked_until - now);
        }
        if now - failures.since >= DAY {
            *failures = Failures { since: now, ..Failures::default() };
        }
        failures.count += 1;
        if failures.count >= limit {
            let doublings = (failures.count - limit).min(4);
            failures.blocked_until = now + (60 << doublings).min(MAX_WAIT);
        }
        Ok(())
    }

    /// Takes back failures after a success.
    pub fn take_back(&self, key: &str, count: u32) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = all.get_mut(key) {
            failures.count = failures.count.saturating_sub(count);
            failures.blocked_until = 0;
        }
    }
}
