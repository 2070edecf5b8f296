//! Rate limits for failed logins, failed reauthentications and registrations.
//!
//! An attempt checks the limits before its password is verified, and again when the result is known. If
//! other attempts have reached a limit meanwhile, nobody learns the result. Therefore, concurrent attempts
//! on any number of instances reveal no more than successive attempts.

use rocket_login::Clock;
use sha2::{Digest, Sha256};

use super::failure_counts::FailureCounts;
use super::{AttemptKind, Client, Error, User};
use crate::db::Db;

/// The number of failures for one username after which further attempts must wait. NIST SP 800-63B-4,
/// 3.2.2 allows 100 in succession.
const MAX_FAILURES_PER_USERNAME: u32 = 10;

/// The same for one user in a browser in which the user has logged in before. This browser has its own
/// count, so that attempts elsewhere don't block it (OWASP, "Slow Down Online Guessing Attacks with Device
/// Cookies").
const MAX_FAILURES_PER_DEVICE: u32 = 10;

/// The same for one address. Many people can share an address.
const MAX_FAILURES_PER_ADDRESS: u32 = 100;

/// The number of registrations from one address after which further registrations must wait.
const MAX_REGISTRATIONS_PER_ADDRESS: u32 = 20;

/// The time in which a full count is forgotten, failure by failure, in seconds. Failures that are spread
/// over a day therefore never reach a limit.
const FORGET_IN: i64 = 24 * 60 * 60;

/// The first wait, in seconds. Each further failure doubles the wait.
const FIRST_WAIT: i64 = 10;

/// The longest wait, in seconds. An attacker who continues can make a user wait again and again, except in
/// browsers in which the user has logged in before.
const MAX_WAIT: i64 = 15 * 60;

/// The number of failures beyond the limit that are counted, enough to reach `MAX_WAIT`.
const MAX_DOUBLINGS: i64 = 7;

/// The rate limits.
pub struct LoginThrottle {
    clock: Clock,
    counts: FailureCounts,
}

/// An attempt that is allowed to verify a password. An attempt that is dropped without a result is
/// neither a failure nor a success.
pub struct Attempt<'t> {
    throttle: &'t LoginThrottle,
    /// First the key of the username or of the device.
    keys: Vec<Key>,
}

/// What failures are counted for, as a SHA-256 hash, with its limit.
#[derive(Clone)]
pub(super) struct Key {
    pub hash: Vec<u8>,
    limit: i64,
}

/// The failures for a key. Times are Unix timestamps, in seconds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Failures {
    /// When all failures will be forgotten. Each failure adds its share of `FORGET_IN`.
    pub forgotten_at: i64,
    pub blocked_until: i64,
}

impl LoginThrottle {
    pub fn new(clock: Clock, db: &Db) -> LoginThrottle {
        LoginThrottle { clock, counts: FailureCounts::new(db) }
    }

    /// Begins an attempt to log in as `username`, or as `user` if there is such a user. After too many
    /// failures, returns an error with the time to wait.
    pub async fn begin(
        &self,
        kind: AttemptKind,
        username: &str,
        user: Option<&User>,
        client: &Client,
    ) -> Result<Attempt<'_>, Error> {
        let device = user.and_then(|user| Some((user.id, client.known_device(user)?)));
        let keys = if let Some((user_id, device)) = device {
            vec![Key::new(MAX_FAILURES_PER_DEVICE, format!("{kind:?} device {user_id} {device}"))]
        } else {
            let username = username.trim().to_lowercase();
            vec![
                Key::new(MAX_FAILURES_PER_USERNAME, format!("{kind:?} username {username}")),
                Key::new(MAX_FAILURES_PER_ADDRESS, format!("address {:?}", client.network)),
            ]
        };
        check(&self.counts.read(&keys).await?, self.clock.now())?;
        Ok(Attempt { throttle: self, keys })
    }

    /// Counts a registration. After too many registrations, returns an error with the time to wait.
    pub async fn count_registration(&self, client: &Client) -> Result<(), Error> {
        let name = format!("registration {:?}", client.network);
        let keys = vec![Key::new(MAX_REGISTRATIONS_PER_ADDRESS, name)];
        Attempt { throttle: self, keys }.failed().await
    }
}

impl Attempt<'_> {
    /// Counts a failure. If other attempts have reached a limit meanwhile, returns an error with the time
    /// to wait.
    pub async fn failed(self) -> Result<(), Error> {
        let now = self.throttle.clock.now();
        let keys = self.keys.clone();
        let count = move |counts: &mut [Failures]| {
            check(counts, now)?;
            counts.iter_mut().zip(&keys).for_each(|(failures, key)| failures.add(now, key));
            Ok(())
        };
        self.throttle.counts.update(&self.keys, count).await?
    }

    /// Resets the count of the username or of the device, and subtracts it from the count of the address.
    /// Does not reset the count of the address, because otherwise an attacker could do so by logging in
    /// to their own account. If other attempts have reached a limit meanwhile, returns an error with the
    /// time to wait.
    pub async fn succeeded(self) -> Result<(), Error> {
        let now = self.throttle.clock.now();
        let counts = self.throttle.counts.read(&self.keys).await?;
        if counts.iter().zip(&self.keys).all(|(failures, key)| failures.count(now, key) == 0) {
            return Ok(());
        }
        let keys = self.keys.clone();
        let reset = move |counts: &mut [Failures]| {
            check(counts, now)?;
            let own = counts[0].count(now, &keys[0]);
            counts[0] = Failures::default();
            for (failures, key) in counts.iter_mut().zip(&keys).skip(1) {
                failures.forgotten_at -= own * key.share();
            }
            Ok(())
        };
        self.throttle.counts.update(&self.keys, reset).await?
    }
}

impl Key {
    fn new(limit: u32, name: String) -> Key {
        Key { hash: Sha256::digest(name).to_vec(), limit: limit.into() }
    }

    /// Returns the time that each failure adds until all failures are forgotten, in seconds.
    fn share(&self) -> i64 {
        FORGET_IN / self.limit
    }

    fn max_memory(&self) -> i64 {
        (self.limit + MAX_DOUBLINGS) * self.share()
    }
}

impl Failures {
    /// Returns the time until all failures are forgotten, in seconds, without the current wait.
    fn forgotten_in(&self, now: i64, key: &Key) -> i64 {
        if self.forgotten_at > now + MAX_WAIT + key.max_memory() {
            return 0; // The clock was set back.
        }
        (self.forgotten_at - now.max(self.blocked_until)).clamp(0, key.max_memory())
    }

    fn count(&self, now: i64, key: &Key) -> i64 {
        (self.forgotten_in(now, key) + key.share() - 1) / key.share()
    }

    fn add(&mut self, now: i64, key: &Key) {
        let forgotten_in = key.max_memory().min(self.forgotten_in(now, key) + key.share());
        let doublings = (forgotten_in + key.share() - 1) / key.share() - key.limit;
        let wait = if doublings < 0 { 0 } else { MAX_WAIT.min(FIRST_WAIT << doublings) };
        self.blocked_until = now + wait;
        self.forgotten_at = now + wait + forgotten_in;
    }
}

/// Returns an error with the longest wait. A wait of more than `MAX_WAIT` means that the clock was set
/// back, so the wait is over.
fn check(counts: &[Failures], now: i64) -> Result<(), Error> {
    let waits = counts.iter().map(|failures| failures.blocked_until - now);
    match waits.filter(|wait| (1..=MAX_WAIT).contains(wait)).max() {
        Some(retry_after) => Err(Error::Throttled { retry_after }),
        None => Ok(()),
    }
}
