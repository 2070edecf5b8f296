//! A fair queue for password hashing.
//!
//! Every password that is hashed needs a place in the queue. An address holds only a few places, and the
//! addresses take turns. Therefore, an attacker who sends many passwords from one address delays other
//! people's logins by only a few hashes.

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

/// The maximum number of places of an address, because many people can share an address.
const PLACES_PER_ADDRESS: usize = 20;

/// A queue that hashes at most one password per core at the same time. More would not be faster, and
/// each needs 19 MiB of memory.
pub struct HashQueue {
    core_count: usize,
    cores: Arc<Semaphore>,
    places: Arc<Semaphore>,
    lines: Mutex<HashMap<Option<IpAddr>, Arc<Line>>>,
}

/// The places of one address.
struct Line {
    places: Arc<Semaphore>,
    /// Bounds how many passwords of this address wait for a core at the same time. The other passwords
    /// wait behind them, and not in front of the passwords of other addresses.
    turns: Arc<Semaphore>,
}

/// A place in the queue. Dropping the place gives it back.
#[derive(Clone)]
pub struct Place(Arc<Held>);

struct Held {
    cores: Arc<Semaphore>,
    line: Arc<Line>,
    _places: [OwnedSemaphorePermit; 2],
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

    /// Takes a place for a password from `network`, which is `None` if the address is unknown. All
    /// unknown addresses share their places.
    ///
    /// # Errors
    ///
    /// Returns an error immediately if the network holds too many places or the queue is full.
    pub fn enter(&self, network: Option<IpAddr>) -> Result<Place, Error> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Only a held place has another reference to its line.
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        let line = lines.entry(network).or_insert_with(|| {
            Arc::new(Line {
                places: Arc::new(Semaphore::new(PLACES_PER_ADDRESS)),
                turns: Arc::new(Semaphore::new(self.core_count)),
            })
        });
        let of_line = line.places.clone().try_acquire_owned();
        let of_line = of_line.map_err(|_| Error::Throttled { retry_after: 1 })?;
        let of_queue = self.places.clone().try_acquire_owned().map_err(|_| {
            Error::Unavailable("too many passwords are waiting to be hashed".to_owned())
        })?;
        let (cores, line) = (self.cores.clone(), line.clone());
        Ok(Place(Arc::new(Held { cores, line, _places: [of_line, of_queue] })))
    }
}

impl Place {
    /// Runs `work` on a blocking thread when it is this place's turn.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let closed = |cause: AcquireError| Error::Failed(cause.to_string());
        let turn = self.0.line.turns.clone().acquire_owned().await.map_err(closed)?;
        let core = self.0.cores.clone().acquire_owned().await.map_err(closed)?;
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
fn an_address_holds_at_most_20_places_and_the_queue_has_128_per_core() {
    let queue = HashQueue::new();
    let enter = |n: usize| queue.enter(Some([192, 0, 2, n as u8].into()));
    let mut places: Vec<_> = (0..20).map(|_| enter(0).unwrap()).collect();
    assert!(matches!(enter(0), Err(Error::Throttled { retry_after: 1 })));
    places.extend((20..).map_while(|n| enter(n / 20).ok()));
    assert_eq!(places.len(), 128 * queue.core_count);
    assert!(matches!(enter(255), Err(Error::Unavailable(_))));
    drop(places);
    assert!(enter(0).is_ok());
    assert_eq!(queue.lines.lock().unwrap().len(), 1, "a line without places is kept");
}

#[cfg(test)]
#[rocket::async_test]
async fn an_address_does_not_wait_for_all_passwords_of_another_address() {
    let queue = HashQueue::new();
    let finished = Arc::new(AtomicUsize::new(0));
    let run = |address: [u8; 4], finished: Arc<AtomicUsize>| {
        let place = queue.enter(Some(address.into())).unwrap();
        rocket::tokio::spawn(async move {
            let hash = move || {
                std::thread::sleep(std::time::Duration::from_millis(20));
                finished.fetch_add(1, Ordering::Relaxed)
            };
            place.run(hash).await.unwrap()
        })
    };
    for _ in 0..20 {
        drop(run([192, 0, 2, 1], finished.clone()));
    }
    let earlier = run([192, 0, 2, 2], finished).await.unwrap();
    assert!(earlier <= 3 * queue.core_count, "{earlier} hashes finished earlier");
}
