//! Rate limits for failed logins and reauthentications, per username and per address.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use rocket::tokio::sync::Notify;
use rocket_login::Clock;
use serde::Serialize;

/// The number of failures for one username, from all addresses, after which further attempts must wait.
const MAX_FAILURES_PER_USERNAME: u32 = 10;

/// The number of failures from one address after which further attempts must wait. Many people can
/// share an address.
const MAX_FAILURES_PER_ADDRESS: u32 = 100;

/// The first wait, in seconds. Each further failure doubles the wait.
const FIRST_WAIT: i64 = 10;

/// The longest wait, in seconds. An attacker who continues can make a user wait again and again.
const MAX_WAIT: i64 = 15 * 60;

/// The time from the last failure until the count is reset, in seconds.
const RESET_AFTER: i64 = 24 * 60 * 60;

/// The maximum number of counted usernames and addresses. The least recently used are dropped first.
/// The compiler checks this `unwrap`, because the value is a constant.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

/// What a password is entered for. Failures for a username are counted separately for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    Login,
    Reauthentication,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Username(AttemptKind, String),
    Address(IpAddr),
}

#[derive(Default)]
struct Failures {
    count: u32,
    last_at: i64,
    blocked_until: i64,
    in_flight: u32,
}

/// The failures of all usernames and addresses. Each process counts only its own failures.
pub struct LoginThrottle {
    clock: Clock,
    failures: Mutex<LruCache<Key, Failures>>,
    finished: Notify,
}

/// An attempt that is allowed to verify a password. An attempt that is dropped without a result is
/// neither a failure nor a success.
pub struct Attempt<'t> {
    throttle: &'t LoginThrottle,
    username: Key,
    address: Option<Key>,
}

impl LoginThrottle {
    pub fn new(clock: Clock) -> LoginThrottle {
        let failures = Mutex::new(LruCache::new(CAPACITY));
        LoginThrottle { clock, failures, finished: Notify::new() }
    }

    /// Begins an attempt. After too many failures, returns how many seconds to wait instead.
    ///
    /// Waits for the attempts in flight if they could reach the limit. Therefore, concurrent attempts
    /// can't verify more passwords than successive attempts, and attempts with correct passwords are
    /// never rejected because of each other.
    pub async fn begin(
        &self,
        kind: AttemptKind,
        username: &str,
        address: Option<IpAddr>,
    ) -> Result<Attempt<'_>, i64> {
        let username = username.trim().chars().take(64).collect::<String>().to_lowercase();
        let username = Key::Username(kind, username);
        let address = address.map(|address| Key::Address(network(address)));
        loop {
            let finished = self.finished.notified();
            if self.try_begin(&username, address.as_ref())? {
                return Ok(Attempt { throttle: self, username, address });
            }
            finished.await;
        }
    }

    fn try_begin(&self, username: &Key, address: Option<&Key>) -> Result<bool, i64> {
        let now = self.clock.now();
        let mut all = self.lock();
        for (key, limit) in limits(username, address) {
            let Some(failures) = all.get_mut(key) else { continue };
            if now < failures.blocked_until {
                return Err(failures.blocked_until - now);
            }
            if failures.last_at + RESET_AFTER <= now {
                failures.count = 0;
            }
            if failures.in_flight >= limit.saturating_sub(failures.count).max(1) {
                return Ok(false);
            }
        }
        for (key, _) in limits(username, address) {
            all.get_or_insert_mut(key.clone(), Failures::default).in_flight += 1;
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Key, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Counts a failure for the username and for the address.
    pub fn failed(self) {
        let now = self.throttle.clock.now();
        let mut all = self.throttle.lock();
        for (key, limit) in limits(&self.username, self.address.as_ref()) {
            let Some(failures) = all.get_mut(key) else { continue };
            failures.count += 1;
            failures.last_at = now;
            if let Some(beyond) = failures.count.checked_sub(limit) {
                let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(30));
                failures.blocked_until = now + wait.min(MAX_WAIT);
            }
        }
    }

    /// Resets the count for the username. Keeps the count for the address, because otherwise an attacker
    /// could reset that count by logging in to their own account.
    pub fn succeeded(self) {
        if let Some(failures) = self.throttle.lock().get_mut(&self.username) {
            *failures = Failures { in_flight: failures.in_flight, ..Failures::default() };
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut all = self.throttle.lock();
        for (key, _) in limits(&self.username, self.address.as_ref()) {
            if let Some(failures) = all.get_mut(key) {
                failures.in_flight = failures.in_flight.saturating_sub(1);
                if failures.count == 0 && failures.in_flight == 0 {
                    all.pop(key);
                }
            }
        }
        self.throttle.finished.notify_waiters();
    }
}

/// Returns the keys of an attempt with their limits.
fn limits<'k>(username: &'k Key, address: Option<&'k Key>) -> impl Iterator<Item = (&'k Key, u32)> {
    let username = Some((username, MAX_FAILURES_PER_USERNAME));
    username.into_iter().chain(address.map(|address| (address, MAX_FAILURES_PER_ADDRESS)))
}

/// Returns an IPv4 address unchanged, and the /64 network of an IPv6 address, because an internet
/// provider usually assigns a whole network to a customer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
#[rocket::async_test]
async fn counts_a_failure_that_finishes_after_a_success() {
    let throttle = LoginThrottle::new(Clock::new(|| 0));
    let begin = || throttle.begin(AttemptKind::Login, "ada", None);
    let mut in_flight = Vec::new();
    for _ in 0..MAX_FAILURES_PER_USERNAME {
        in_flight.push(begin().await.unwrap());
    }
    in_flight.pop().unwrap().succeeded();
    in_flight.into_iter().for_each(Attempt::failed);
    begin().await.unwrap().failed();
    assert_eq!(begin().await.err(), Some(FIRST_WAIT));
}
