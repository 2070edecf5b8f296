//! Rate limits for failed logins, failed reauthentications and registrations.
//!
//! Each count is a leaky bucket: failures fill it and time empties it. A full bucket blocks attempts for a
//! time that grows with each further failure.
//!
//! An attempt checks its buckets before the password is verified, and again when the result is known. If
//! other attempts have filled a bucket meanwhile, the response does not contain the result. Therefore,
//! concurrent attempts on any number of instances reveal no more than successive attempts.

use rocket_login::Clock;
use sha2::{Digest, Sha256};

use super::failure_counts::{FailureCounts, Failures};
use super::{AttemptKind, Client, Error, User};
use crate::db::Db;

/// The number of failures for one username after which attempts must wait. NIST SP 800-63B-4, 3.2.2
/// allows 100 in succession.
const MAX_FAILURES_PER_USERNAME: i64 = 10;

/// The number of failures for one user after which attempts must wait, in a browser in which the user has
/// logged in before. Failures elsewhere don't block this browser (OWASP, "Slow Down Online Guessing Attacks
/// with Device Cookies").
const MAX_FAILURES_PER_DEVICE: i64 = 10;

/// The number of failures from one address after which attempts from there must wait. Many people can
/// share an address.
const MAX_FAILURES_PER_ADDRESS: i64 = 100;

/// The number of registrations from one address after which registrations from there must wait.
const MAX_REGISTRATIONS_PER_ADDRESS: i64 = 20;

/// The time in which a full bucket empties, in seconds. As many failures as the limit, spread over a day,
/// therefore block nobody.
const EMPTY_IN: i64 = 24 * 60 * 60;

/// The first wait, in seconds. Each further failure doubles the wait.
const FIRST_WAIT: i64 = 10;

/// The longest wait, in seconds. An attacker who continues can make a user wait again and again, except in
/// browsers in which the user has logged in before.
const MAX_WAIT: i64 = 15 * 60;

/// The number of counted failures beyond the limit, enough to reach `MAX_WAIT`.
const MAX_EXCESS: i64 = 7;

/// How much the clocks of instances can differ, in seconds. A time further in the future means that the
/// clock was set back.
const MAX_CLOCK_SKEW: i64 = 60;

pub struct LoginThrottle {
    clock: Clock,
    counts: FailureCounts,
    /// Separate, because registrations need no hash, and a flood of them could drop other counts.
    registrations: FailureCounts,
}

/// An attempt that is allowed to verify a password. An attempt without a result changes no count.
pub struct Attempt<'t> {
    throttle: &'t LoginThrottle,
    /// The bucket of the username or of the device.
    own: Bucket,
    /// The bucket of the address. `None` if the device has its own bucket.
    address: Option<Bucket>,
}

/// A bucket: the hash of its name, and its limit.
#[derive(Clone, Copy)]
struct Bucket {
    key: [u8; 32],
    limit: i64,
}

impl LoginThrottle {
    pub fn new(clock: Clock, db: &Db) -> LoginThrottle {
        let (counts, registrations) = (FailureCounts::new(db), FailureCounts::new(db));
        LoginThrottle { clock, counts, registrations }
    }

    /// Begins an attempt to log in as `username`, or as `user` if there is such a user. Returns an error
    /// if a bucket is full.
    pub async fn begin(
        &self,
        kind: AttemptKind,
        username: &str,
        user: Option<&User>,
        client: &Client,
    ) -> Result<Attempt<'_>, Error> {
        let device = user.and_then(|user| client.known_device(user));
        let own = if let Some(device) = device {
            Bucket::new(MAX_FAILURES_PER_DEVICE, format!("{kind:?} device {device}"))
        } else {
            let username = username.trim().to_ascii_lowercase();
            Bucket::new(MAX_FAILURES_PER_USERNAME, format!("{kind:?} username {username}"))
        };
        let name = format!("address {:?}", client.network);
        let address = device.is_none().then(|| Bucket::new(MAX_FAILURES_PER_ADDRESS, name));
        let attempt = Attempt { throttle: self, own, address };
        check(&self.counts.read(keys(&attempt.buckets())).await?, self.clock.now())?;
        Ok(attempt)
    }

    /// Counts a registration. Returns an error if there were too many.
    pub async fn count_registration(&self, client: &Client) -> Result<(), Error> {
        let name = format!("registration {:?}", client.network);
        let buckets = vec![Bucket::new(MAX_REGISTRATIONS_PER_ADDRESS, name)];
        self.count(&self.registrations, buckets).await
    }

    async fn count(&self, counts: &FailureCounts, buckets: Vec<Bucket>) -> Result<(), Error> {
        let (keys, clock) = (keys(&buckets), self.clock.clone());
        let count = move |counts: &mut [Failures]| {
            let now = clock.now();
            check(counts, now)?;
            buckets.iter().zip(counts).for_each(|(bucket, failures)| bucket.add(failures, now));
            Ok(())
        };
        counts.update(keys, count).await?
    }
}

impl Attempt<'_> {
    fn buckets(&self) -> Vec<Bucket> {
        [self.own].into_iter().chain(self.address).collect()
    }

    /// Counts a failure. Returns an error if other attempts have filled a bucket meanwhile.
    pub async fn failed(self) -> Result<(), Error> {
        self.throttle.count(&self.throttle.counts, self.buckets()).await
    }

    /// Empties the bucket of the username or of the device, and takes these failures out of the bucket of
    /// the address. Other failures stay there, because otherwise an attacker could remove them by logging
    /// in to their own account. Returns an error if other attempts have filled a bucket meanwhile.
    pub async fn succeeded(self) -> Result<(), Error> {
        let (keys, clock) = (keys(&self.buckets()), self.throttle.clock.clone());
        let counts = self.throttle.counts.read(keys.clone()).await?;
        check(&counts, clock.now())?;
        if self.own.count(&counts[0], clock.now()) == 0 {
            return Ok(());
        }
        let (own, address) = (self.own, self.address);
        let reset = move |counts: &mut [Failures]| {
            let now = clock.now();
            check(counts, now)?;
            let own_count = own.count(&counts[0], now);
            counts[0] = Failures::default();
            if let Some(address) = address {
                counts[1].forgotten_at -= own_count * address.seconds_per_failure();
            }
            Ok(())
        };
        self.throttle.counts.update(keys, reset).await?
    }
}

impl Bucket {
    fn new(limit: i64, name: String) -> Bucket {
        Bucket { key: Sha256::digest(name).into(), limit }
    }

    fn seconds_per_failure(&self) -> i64 {
        EMPTY_IN / self.limit
    }

    fn max_empty_in(&self) -> i64 {
        (self.limit + MAX_EXCESS) * self.seconds_per_failure()
    }

    /// Returns in how many seconds the bucket will be empty.
    fn empty_in(&self, failures: &Failures, now: i64) -> i64 {
        let (left, max) = (failures.forgotten_at - now, self.max_empty_in());
        if left > max + MAX_CLOCK_SKEW { 0 } else { left.clamp(0, max) }
    }

    fn count(&self, failures: &Failures, now: i64) -> i64 {
        (self.empty_in(failures, now) + self.seconds_per_failure() - 1) / self.seconds_per_failure()
    }

    fn add(&self, failures: &mut Failures, now: i64) {
        let empty_in = self.empty_in(failures, now) + self.seconds_per_failure();
        failures.forgotten_at = now + empty_in.min(self.max_empty_in());
        let excess = self.count(failures, now) - self.limit;
        let wait = if excess < 0 { 0 } else { MAX_WAIT.min(FIRST_WAIT << excess) };
        failures.blocked_until = now + wait;
    }
}

/// Returns an error with the longest wait, if any.
fn check(counts: &[Failures], now: i64) -> Result<(), Error> {
    let waits = counts.iter().map(|failures| failures.blocked_until - now);
    match waits.filter(|wait| (1..=MAX_WAIT + MAX_CLOCK_SKEW).contains(wait)).max() {
        Some(wait) => Err(Error::Throttled { retry_after: wait.min(MAX_WAIT) }),
        None => Ok(()),
    }
}

fn keys(buckets: &[Bucket]) -> Vec<[u8; 32]> {
    buckets.iter().map(|bucket| bucket.key).collect()
}
