//! Passwords: what makes a good one, and Argon2id away from the async workers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rocket::form::{self, FromFormField, ValueField};
use rocket::tokio::sync::Semaphore;
use rocket::tokio::task::spawn_blocking;
use unicode_normalization::UnicodeNormalization;

/// 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet). More makes a login dearer for
/// an attacker and for this server; the hashes of before are renewed when their users log in.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("parameters that Argon2 does not take"),
};

/// A password alone is 15 characters at least (NIST SP 800-63B-4, 3.1.1.2).
pub const MIN_CHARACTERS: usize = 15;

/// No sentence that anyone types is longer; a hash of a megabyte is work for nothing.
pub const MAX_BYTES: usize = 1024;

/// A password as it was typed: nothing trimmed, nothing cut, and nothing that prints it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password that was typed elsewhere than into a form.
    pub fn new(text: String) -> Password {
        Password(text)
    }

    /// Says what is wrong with this as the new password of `username`.
    pub fn check(&self, username: &str) -> Result<(), &'static str> {
        if self.0.chars().count() < MIN_CHARACTERS {
            Err(
                "Use 15 characters or more. A few words that only you would put together work well.",
            )
        } else if self.0.len() > MAX_BYTES {
            Err("Use at most 1,024 bytes.")
        } else if self.0.eq_ignore_ascii_case(username) {
            Err("Use something else than your username.")
        } else {
            Ok(())
        }
    }

    /// One spelling for what looks the same, since keyboards differ in how they compose letters.
    fn normal(&self) -> Vec<u8> {
        self.0.nfkc().collect::<String>().into_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<'v> FromFormField<'v> for Password {
    /// Never fails, because Rocket logs the value of a field that does.
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        Ok(Password(field.value.to_owned()))
    }

    fn default() -> Option<Self> {
        Some(Password(String::new()))
    }
}

/// Why a password was neither checked nor hashed.
#[derive(Debug)]
pub enum Error {
    /// Too many others wait for the same.
    Busy,
    /// Argon2 or its thread failed.
    Failed(String),
}

/// Hashes and checks passwords, as many at once as there are cores.
///
/// More would not be faster, and each takes 19 MiB of memory.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    dummy_hash: Arc<str>,
}

impl Passwords {
    pub fn new() -> Result<Passwords, Error> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Passwords {
            permits: Arc::new(Semaphore::new(cores)),
            // About a second of work: whoever comes later is better told at once.
            queue: Arc::new(Semaphore::new(32 * cores)),
            dummy_hash: hash(&Password(String::new()))?.into(),
        })
    }

    /// Hashes a new password into a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String, Error> {
        let password = password.clone();
        self.in_turn(move || hash(&password)).await
    }

    /// Checks `password` against the hash of a user, or against one that nobody knows a password
    /// for: unknown users cost the same work.
    pub async fn verify(&self, password: &Password, hash: Option<String>) -> Result<bool, Error> {
        // Nobody has a longer one, and its hash would be work at an attacker's pleasure.
        let fits = password.0.len() <= MAX_BYTES;
        let normal = if fits { password.normal() } else { Vec::new() };
        let can_match = fits && hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy_hash.to_string());
        self.in_turn(move || {
            Ok(argon2().verify_password(&normal, hash.as_str()).is_ok() && can_match)
        })
        .await
    }

    /// Whether a hash was made with less memory or fewer passes, or by another algorithm than today's.
    pub fn is_old(hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else {
            return true;
        };
        Params::try_from(&hash).map_or(true, |params| {
            params.m_cost() < PARAMS.m_cost() || params.t_cost() < PARAMS.t_cost()
        }) || hash.algorithm != Algorithm::Argon2id.ident()
    }

    async fn in_turn<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Error> + Send + 'static,
    {
        let place = self.queue.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| Error::Busy)?;
        let done = spawn_blocking(move || {
            // In here, so that a visitor who leaves does not free a core that still works for them.
            let _held = (place, permit);
            work()
        });
        done.await.map_err(|cause| Error::Failed(cause.to_string()))?
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

fn hash(password: &Password) -> Result<String, Error> {
    let hash: Result<PasswordHash, _> = argon2().hash_password(&password.normal());
    hash.map(|hash| hash.to_string()).map_err(|cause| Error::Failed(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rocket::async_test]
    async fn past_the_queue_the_answer_is_busy_at_once() {
        let passwords = Passwords::new().unwrap();
        let places = passwords.queue.available_permits() as u32;
        let crowd = passwords.queue.clone().acquire_many_owned(places).await.unwrap();
        let password = Password("a horse that staples batteries".into());
        assert!(matches!(passwords.hash(&password).await, Err(Error::Busy)));
        assert!(matches!(passwords.verify(&password, None).await, Err(Error::Busy)));
        drop(crowd);
        assert!(passwords.hash(&password).await.is_ok());
    }

    #[rocket::async_test]
    async fn no_password_opens_the_hash_that_stands_in() {
        let passwords = Passwords::new().unwrap();
        for text in ["", "stand in"] {
            let password = Password(text.into());
            assert!(!passwords.verify(&password, None).await.unwrap());
        }
        let too_long = Password("x".repeat(MAX_BYTES + 1));
        let of_nothing = hash(&Password(String::new())).unwrap();
        assert!(!passwords.verify(&too_long, Some(of_nothing)).await.unwrap());
    }

    #[test]
    fn what_prints_a_password_prints_nothing_of_it() {
        assert_eq!(format!("{:?}", Password("hunter2".into())), "Password(…)");
    }

    #[test]
    fn less_work_another_algorithm_or_no_hash_at_all_is_old() {
        let salt = "c29tZXNhbHRzb21lc2FsdA";
        let out = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for (start, old) in [
            ("argon2id$v=19$m=19456,t=2,p=1", false),
            ("argon2id$v=19$m=65536,t=3,p=4", false),
            ("argon2id$v=19$m=19455,t=2,p=1", true),
            ("argon2id$v=19$m=65536,t=1,p=1", true),
            ("argon2i$v=19$m=19456,t=2,p=1", true),
        ] {
            assert_eq!(Passwords::is_old(&format!("${start}${salt}${out}")), old, "{start}");
        }
        assert!(Passwords::is_old("not a hash"));
    }
}
