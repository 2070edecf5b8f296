//! Rate limits for failed logins, failed reauthentications and registrations.
//!
//! Each limit has a leaky bucket: failures fill it and time empties it. Once it is full, each failure begins
//! a wait, which is longer each time.
//!
//! An attempt checks for waits before the password is verified, and again when the result is known. If other
//! attempts have begun a wait meanwhile, the response does not contain the result. Therefore, concurrent
//! attempts on any number of instances reveal no more than successive attempts.

use rocket_login::Clock;
use sha2::{Digest, Sha256};

use super::buckets::{Bucket, Buckets};
use super::{AttemptKind, Client, Error, User};
use crate::db::Db;

/// The number of failures for one username after which attempts must wait. NIST SP 800-63B-4, 3.2.2
/// allows 100 in succession.
const MAX_FAILURES_PER_USERNAME: i64 = 10;

/// The number of failures for one user in one browser, if the user has logged in there before. Failures
/// elsewhere don't count there (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
const MAX_FAILURES_PER_DEVICE: i64 = 10;

/// The number of failures from one address after which attempts from there must wait. Many people can
/// share an address.
const MAX_FAILURES_PER_ADDRESS: i64 = 100;

/// The number of registrations from one address after which registrations from there must wait.
const MAX_REGISTRATIONS_PER_ADDRESS: i64 = 20;

/// The time in which a full bucket empties, in seconds.
const EMPTY_IN: i64 = 24 * 60 * 60;

/// The first wait, in seconds. Each further failure doubles the wait.
const FIRST_WAIT: i64 = 10;

/// The longest wait, in seconds. An attacker who continues can keep a user waiting, except in browsers in
/// which the user has logged in before.
const MAX_WAIT: i64 = 15 * 60;

/// The most failures that are counted beyond a limit, enough to reach `MAX_WAIT`.
const MAX_EXCESS: i64 = 7;

/// How much the clocks of instances can differ, in seconds. A time beyond its maximum by more than this is
/// ignored, because the clock was set back.
const MAX_CLOCK_SKEW: i64 = 60;

pub struct LoginThrottle {
    clock: Clock,
    buckets: Buckets,
    /// Separate in memory, so that a flood of actions can't drop other buckets.
    actions: Buckets,
}

/// An attempt that is allowed to verify a password. Dropping the attempt counts nothing.
pub struct Attempt<'t> {
    throttle: &'t LoginThrottle,
    /// The limit of the username, or of the user in this browser.
    own: Limit,
    /// The limit of the address. `None` if `own` is the limit of the user in this browser.
    address: Option<Limit>,
}

/// A limit, and the key of its bucket.
#[derive(Clone, Copy)]
pub struct Limit {
    key: [u8; 32],
    max_failures: i64,
}

impl LoginThrottle {
    pub fn new(clock: Clock, db: &Db) -> LoginThrottle {
        LoginThrottle { clock, buckets: Buckets::new(db), actions: Buckets::new(db) }
    }

    /// Begins an attempt for `username`, and for `user` if there is such a user. Returns an error during
    /// a wait.
    pub async fn begin(
        &self,
        kind: AttemptKind,
        username: &str,
        user: Option<&User>,
        client: &Client,
    ) -> Result<Attempt<'_>, Error> {
        let device = user.and_then(|user| client.known_device(user));
        let own = if let Some(device) = device {
            Limit::new(MAX_FAILURES_PER_DEVICE, format!("{kind:?} device {device}"))
        } else {
            let username = username.trim().to_ascii_lowercase();
            Limit::new(MAX_FAILURES_PER_USERNAME, format!("{kind:?} username {username}"))
        };
        let name = format!("address {:?}", client.network);
        let address = device.is_none().then(|| Limit::new(MAX_FAILURES_PER_ADDRESS, name));
        let attempt = Attempt { throttle: self, own, address };
        check(&self.buckets.read(keys(&attempt.limits())).await?, self.clock.now())?;
        Ok(attempt)
    }

    /// Counts an action that is limited even if it succeeds. Returns an error during a wait.
    pub async fn count(&self, limits: Vec<Limit>) -> Result<(), Error> {
        check(&self.actions.read(keys(&limits)).await?, self.clock.now())?;
        self.count_failure(&self.actions, limits).await
    }

    async fn count_failure(&self, buckets: &Buckets, limits: Vec<Limit>) -> Result<(), Error> {
        let (keys, clock) = (keys(&limits), self.clock.clone());
        let count = move |buckets: &mut [Bucket]| {
            let now = clock.now();
            check(buckets, now)?;
            limits.iter().zip(buckets).for_each(|(limit, bucket)| limit.add_failure(bucket, now));
            Ok(())
        };
        buckets.update(keys, count).await?
    }
}

impl Attempt<'_> {
    fn limits(&self) -> Vec<Limit> {
        [self.own].into_iter().chain(self.address).collect()
    }

    /// Counts a failure, or returns an error if other attempts have begun a wait.
    pub async fn failed(self) -> Result<(), Error> {
        self.throttle.count_failure(&self.throttle.buckets, self.limits()).await
    }

    /// Empties the bucket of `own`, and subtracts its failures from the bucket of the address. Other failures
    /// stay there, because otherwise attackers could remove them by logging in to their own accounts.
    /// Returns an error if other attempts have begun a wait.
    pub async fn succeeded(self) -> Result<(), Error> {
        let (keys, clock) = (keys(&self.limits()), self.throttle.clock.clone());
        let buckets = self.throttle.buckets.read(keys.clone()).await?;
        check(&buckets, clock.now())?;
        if self.own.failures(&buckets[0], clock.now()) == 0 {
            return Ok(()); // Most logins write nothing.
        }
        let (own, address) = (self.own, self.address);
        let reset = move |buckets: &mut [Bucket]| {
            let now = clock.now();
            check(buckets, now)?;
            let own_failures = own.failures(&buckets[0], now);
            buckets[0] = Bucket::default();
            if let Some(address) = address {
                buckets[1].empty_at -= own_failures * address.seconds_per_failure();
            }
            Ok(())
        };
        self.throttle.buckets.update(keys, reset).await?
    }
}

impl Limit {
    pub fn registration(client: &Client) -> Limit {
        let name = format!("registration {:?}", client.network);
        Limit::new(MAX_REGISTRATIONS_PER_ADDRESS, name)
    }

    pub fn new(max_failures: i64, name: String) -> Limit {
        Limit { key: Sha256::digest(name).into(), max_failures }
    }

    fn seconds_per_failure(&self) -> i64 {
        EMPTY_IN / self.max_failures
    }

    fn max_empty_in(&self) -> i64 {
        (self.max_failures + MAX_EXCESS) * self.seconds_per_failure()
    }

    fn empty_in(&self, bucket: &Bucket, now: i64) -> i64 {
        let (left, max) = (bucket.empty_at - now, self.max_empty_in());
        if left > max + MAX_CLOCK_SKEW { 0 } else { left.clamp(0, max) }
    }

    fn failures(&self, bucket: &Bucket, now: i64) -> i64 {
        (self.empty_in(bucket, now) + self.seconds_per_failure() - 1) / self.seconds_per_failure()
    }

    fn add_failure(&self, bucket: &mut Bucket, now: i64) {
        let empty_in = self.empty_in(bucket, now) + self.seconds_per_failure();
        bucket.empty_at = now + empty_in.min(self.max_empty_in());
        let excess = self.failures(bucket, now) - self.max_failures;
        let wait = if excess < 0 { 0 } else { MAX_WAIT.min(FIRST_WAIT << excess) };
        bucket.blocked_until = now + wait;
    }
}

/// Returns the longest remaining wait as an error.
fn check(buckets: &[Bucket], now: i64) -> Result<(), Error> {
    let waits = buckets.iter().map(|bucket| bucket.blocked_until - now);
    match waits.filter(|wait| (1..=MAX_WAIT + MAX_CLOCK_SKEW).contains(wait)).max() {
        Some(wait) => Err(Error::Throttled { retry_after: wait.min(MAX_WAIT) }),
        None => Ok(()),
    }
}

fn keys(limits: &[Limit]) -> Vec<[u8; 32]> {
    limits.iter().map(|limit| limit.key).collect()
}
