//! A fair queue for password hashing.
//!
//! Each password needs a place in the queue. Each network and each known user has a line with only a few
//! places, and the lines take turns. Therefore, a flood in one line delays other people's logins by only a
//! few hashes. An attacker with many networks or accounts can still fill the queue.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
#[cfg(test)]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use rocket::tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use rocket::tokio::task::spawn_blocking;

use super::Error;

/// The maximum number of places, per core. The last password in a full queue waits for about 2 seconds.
const PLACES_PER_CORE: usize = 128;

/// The maximum number of places in a line. Many people can share an address.
const PLACES_PER_LINE: usize = 32;

/// A queue that runs at most one hash per core at a time. More would not be faster, and each hash needs
/// 19 MiB of memory.
pub struct HashQueue {
    core_count: usize,
    cores: Arc<Semaphore>,
    places: Arc<Semaphore>,
    lines: Mutex<HashMap<LineKey, Arc<Line>>>,
}

/// Who waits in a line. The lines take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKey {
    /// Clients at an IPv4 address or in an IPv6 /64. `None` if the address is unknown.
    Network(Option<IpAddr>),
    /// A user who changes the password, or in a browser in which the user has logged in before. An attacker
    /// at the same address can't fill this line.
    User(i64),
    /// The app's commands.
    Operator,
}

struct Line {
    places: Arc<Semaphore>,
    /// One permit per core. Passwords without a permit wait here, where they can't hold up other lines.
    turns: Arc<Semaphore>,
}

/// A place in the queue. Dropping the last clone releases it.
#[derive(Clone)]
pub struct Place {
    cores: Arc<Semaphore>,
    line: Arc<Line>,
    _permits: Arc<[OwnedSemaphorePermit; 2]>,
}

impl HashQueue {
    pub fn new() -> HashQueue {
        let core_count = available_parallelism().map_or(1, NonZeroUsize::get);
        HashQueue {
            core_count,
            cores: Arc::new(Semaphore::new(core_count)),
            places: Arc::new(Semaphore::new(PLACES_PER_CORE * core_count)),
            lines: Mutex::default(),
        }
    }

    /// Takes a place in the line of `key`. If the queue is over half full, only an empty line gets one.
    ///
    /// # Errors
    ///
    /// Returns an error immediately if the line holds too many places or the queue is full.
    pub fn enter(&self, key: LineKey) -> Result<Place, Error> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Drops unused lines. A place holds a reference.
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        let line = lines.entry(key).or_insert_with(|| {
            Arc::new(Line {
                places: Arc::new(Semaphore::new(PLACES_PER_LINE)),
                turns: Arc::new(Semaphore::new(self.core_count)),
            })
        });
        let is_crowded = self.places.available_permits() < PLACES_PER_CORE * self.core_count / 2;
        if is_crowded && line.places.available_permits() < PLACES_PER_LINE {
            return Err(Error::Throttled { retry_after: 1 });
        }
        let line_permit = line.places.clone().try_acquire_owned();
        let line_permit = line_permit.map_err(|_| Error::Throttled { retry_after: 1 })?;
        let queue_permit = self.places.clone().try_acquire_owned().map_err(|_| {
            Error::Unavailable("too many passwords are waiting to be hashed".to_owned())
        })?;
        let _permits = Arc::new([line_permit, queue_permit]);
        Ok(Place { cores: self.cores.clone(), line: line.clone(), _permits })
    }
}

impl Place {
    /// Runs `work` on a blocking thread when it is this place's turn.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        // The semaphores are never closed.
        let closed = |cause: AcquireError| Error::Failed(cause.to_string());
        let turn = self.line.turns.clone().acquire_owned().await.map_err(closed)?;
        let core = self.cores.clone().acquire_owned().await.map_err(closed)?;
        let place = self.clone();
        let done = spawn_blocking(move || {
            // The thread holds all permits, because it continues if the request is cancelled.
            let _held = (place, turn, core);
            work()
        });
        done.await.map_err(|cause| Error::Failed(cause.to_string()))
    }
}

#[cfg(test)]
#[test]
fn a_line_gets_32_places_or_1_if_the_queue_is_over_half_full() {
    let queue = HashQueue::new();
    let enter = |user: usize| queue.enter(LineKey::User(user as i64));
    let is_throttled = |user| matches!(enter(user), Err(Error::Throttled { retry_after: 1 }));
    let mut places: Vec<_> = (0..32).map(|_| enter(0).unwrap()).collect();
    assert!(is_throttled(0));
    places.extend((32..=64 * queue.core_count).map(|n| enter(n / 32).unwrap()));
    assert!(is_throttled(64 * queue.core_count / 32));
    places.extend((1000..).map_while(|user| enter(user).ok()));
    assert_eq!(places.len(), 128 * queue.core_count);
    assert!(matches!(enter(999), Err(Error::Unavailable(_))));
    drop(places);
    assert!(enter(0).is_ok());
    assert_eq!(queue.lines.lock().unwrap().len(), 1, "a line without places is kept");
}

#[cfg(test)]
#[rocket::async_test]
async fn lines_take_turns() {
    let queue = HashQueue::new();
    let finished = Arc::new(AtomicUsize::new(0));
    let run = |user: i64, finished: Arc<AtomicUsize>| {
        let place = queue.enter(LineKey::User(user)).unwrap();
        rocket::tokio::spawn(async move {
            let hash = move || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                finished.fetch_add(1, Ordering::Relaxed)
            };
            place.run(hash).await.unwrap()
        })
    };
    for _ in 0..20 {
        drop(run(1, finished.clone()));
    }
    let earlier = run(2, finished).await.unwrap();
    assert!(earlier <= 3 * queue.core_count, "{earlier} hashes finished earlier");
}
