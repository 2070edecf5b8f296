//! A clock that tests can replace.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the current time, as a Unix timestamp in seconds: the system clock, or a function.
///
/// ```
/// use rocket_login::Clock;
///
/// let stopped = Clock::new(|| 1_900_000_000);
/// assert_eq!(stopped.now(), 1_900_000_000);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// Creates a clock that calls `seconds` to get the current time.
    pub fn new(seconds: impl Fn() -> i64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(seconds))
    }

    /// Returns the current time, as a Unix timestamp in seconds.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl Default for Clock {
    /// Returns the system clock.
    fn default() -> Clock {
        Clock::new(|| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            since_1970.as_secs() as i64
        })
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
