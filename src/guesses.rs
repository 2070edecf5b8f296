//! Slows down whoever guesses passwords: by the name that is guessed at, and by where from.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rocket::tokio::sync::Notify;
use rocket_login::Clock;
use serde::Serialize;

/// Wrong passwords for one name, from wherever, before anyone who tries that name has to wait.
pub const PER_NAME: u32 = 10;

/// The same for one address: many people can share one.
pub const PER_ADDRESS: u32 = 100;

/// The first wait, in seconds. Each further wrong password doubles it.
pub const FIRST_WAIT: i64 = 10;

/// The longest wait: long enough that nobody gets far, short enough that nobody is locked out.
pub const LONGEST_WAIT: i64 = 15 * 60;

/// How long after the last wrong password all are forgotten.
pub const FORGET_AFTER: i64 = 24 * 60 * 60;

/// How many names and addresses are remembered. The ones not seen for longest go first.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// Where a password is asked for. Guesses at one door don't close the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    Login,
    Reauthentication,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(Door, String),
    Address(IpAddr),
}

#[derive(Default)]
struct Tally {
    wrong: u32,
    last_wrong: i64,
    closed_until: i64,
    /// Guesses that are being looked at: each may turn out wrong.
    under_way: u32,
}

/// All wrong passwords of late. They are this process's own: with several, each counts for itself.
#[derive(Clone)]
pub struct Guesses {
    clock: Clock,
    tallies: Arc<Mutex<LruCache<Key, Tally>>>,
    settled: Arc<Notify>,
}

/// Too many wrong passwords: come back later.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany {
    pub seconds: i64,
}

/// A password that is being looked at. Dropped unsettled, it counts for nothing.
pub struct Guess {
    guesses: Guesses,
    name: Key,
    address: Option<Key>,
}

impl Guesses {
    pub fn new(clock: Clock) -> Guesses {
        let tallies = Arc::new(Mutex::new(LruCache::new(CAPACITY)));
        Guesses { clock, tallies, settled: Arc::new(Notify::new()) }
    }

    /// Lets a password be looked at, unless too many before it were wrong.
    ///
    /// Where those under way might use up what is left, waits for them: a thousand guesses at once
    /// are worth no more than one after the other, and right passwords never stand in each other's way.
    pub async fn begin(
        &self,
        door: Door,
        name: &str,
        address: Option<IpAddr>,
    ) -> Result<Guess, TooMany> {
        let name = Key::Name(door, name.trim().chars().take(64).collect::<String>().to_lowercase());
        let address = address.map(|address| Key::Address(network(address)));
        loop {
            let settled = self.settled.notified();
            if self.try_begin(&name, address.as_ref())? {
                return Ok(Guess { guesses: self.clone(), name, address });
            }
            settled.await;
        }
    }

    fn try_begin(&self, name: &Key, address: Option<&Key>) -> Result<bool, TooMany> {
        let now = self.clock.now();
        let mut tallies = self.lock();
        let keys = || [(Some(name), PER_NAME), (address, PER_ADDRESS)];
        for (key, limit) in keys() {
            let Some(tally) = key.and_then(|key| tallies.get_mut(key)) else { continue };
            if now < tally.closed_until {
                return Err(TooMany { seconds: tally.closed_until - now });
            }
            if tally.last_wrong + FORGET_AFTER <= now {
                tally.wrong = 0;
            }
            if tally.under_way >= limit.saturating_sub(tally.wrong).max(1) {
                return Ok(false);
            }
        }
        for key in keys().into_iter().filter_map(|(key, _)| key) {
            tallies.get_or_insert_mut(key.clone(), Tally::default).under_way += 1;
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Key, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess {
    /// It was wrong: counts for the name and for the address.
    pub fn wrong(self) {
        let now = self.guesses.clock.now();
        let mut tallies = self.guesses.lock();
        for (key, limit) in [(Some(&self.name), PER_NAME), (self.address.as_ref(), PER_ADDRESS)] {
            let Some(tally) = key.and_then(|key| tallies.get_mut(key)) else { continue };
            tally.wrong += 1;
            tally.last_wrong = now;
            if let Some(beyond) = tally.wrong.checked_sub(limit) {
                let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(30));
                tally.closed_until = now + wait.min(LONGEST_WAIT);
            }
        }
    }

    /// It was right: the name is clear again. The address is not, or an attacker would clear it with
    /// an account of their own.
    pub fn right(self) {
        if let Some(tally) = self.guesses.lock().get_mut(&self.name) {
            *tally = Tally { under_way: tally.under_way, ..Tally::default() };
        }
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        let mut tallies = self.guesses.lock();
        for key in [Some(&self.name), self.address.as_ref()].into_iter().flatten() {
            if let Some(tally) = tallies.get_mut(key) {
                tally.under_way = tally.under_way.saturating_sub(1);
                if tally.wrong == 0 && tally.under_way == 0 {
                    tallies.pop(key);
                }
            }
        }
        self.guesses.settled.notify_waiters();
    }
}

/// What one customer of a provider has: an IPv4 address, or the 64 bits of an IPv6 network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rocket::async_test]
    async fn a_wrong_guess_that_a_right_one_overtakes_still_counts() {
        let guesses = Guesses::new(Clock::new(|| 0));
        let mut under_way = Vec::new();
        for _ in 0..PER_NAME {
            under_way.push(guesses.begin(Door::Login, "ada", None).await.unwrap());
        }
        under_way.pop().unwrap().right();
        under_way.into_iter().for_each(Guess::wrong);
        guesses.begin(Door::Login, "ada", None).await.unwrap().wrong();
        let next = guesses.begin(Door::Login, "ada", None).await;
        assert_eq!(next.err(), Some(TooMany { seconds: FIRST_WAIT }));
    }
}
