//! Password rules, and password hashing with Argon2id on blocking threads.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rocket::form::{self, FromFormField, ValueField};
use unicode_normalization::UnicodeNormalization;

use super::Error;
use super::hash_queue::Place;
use crate::trace;

/// The Argon2id parameters: 19 MiB, 2 passes and 1 lane (OWASP Password Storage Cheat Sheet). Higher
/// parameters make attacks and logins more expensive. If you raise them, each user's hash is replaced
/// at their next login.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("invalid Argon2 parameters"),
};

/// The minimum length of a password that is the only factor, in characters (NIST SP 800-63B-4, 3.1.1.2).
const MIN_CHARACTERS: usize = 15;

/// The maximum length of a password, in bytes. This limit bounds the work of hashing.
const MAX_BYTES: usize = 1024;

/// A password, exactly as entered. `Password` does not implement `Debug`, so it can't be logged by accident.
pub struct Password(String);

impl Password {
    pub fn new(text: String) -> Password {
        Password(text)
    }

    /// Validates the password as a new password for `username`.
    ///
    /// # Errors
    ///
    /// Returns a message for the form if the password is too short, too long or equal to the username.
    pub fn validate(&self, username: &str) -> Result<(), String> {
        if self.0.len() > MAX_BYTES {
            return Err(format!("Use at most {MAX_BYTES} bytes."));
        }
        // These rules apply to the text that is hashed.
        let text = self.normalized();
        if text.chars().count() < MIN_CHARACTERS {
            Err(format!(
                "Use {MIN_CHARACTERS} characters or more. Several unrelated words work well."
            ))
        } else if text.eq_ignore_ascii_case(username.trim()) {
            Err("Use a password that is not your username.".to_owned())
        } else {
            Ok(())
        }
    }

    /// Normalizes the password (NFKC), because keyboards can encode the same character differently.
    fn normalized(&self) -> String {
        self.0.nfkc().collect()
    }
}

impl<'v> FromFormField<'v> for Password {
    /// Never fails, because otherwise Rocket would log the value of the field.
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        Ok(Password(field.value.to_owned()))
    }

    fn default() -> Option<Self> {
        Some(Password(String::new()))
    }
}

/// Hashes and verifies passwords that have a place in the queue.
pub struct Hasher {
    dummy_hash: String,
}

impl Hasher {
    pub fn new() -> Result<Hasher, Error> {
        Ok(Hasher { dummy_hash: hash(b"")? })
    }

    /// Hashes a password and returns a PHC string.
    pub async fn hash(&self, password: &Password, place: &Place) -> Result<String, Error> {
        let normalized = password.normalized();
        let hash = move || hash(normalized.as_bytes());
        let hash = trace::timed("Argon2id", "new hash", hash);
        place.run(hash).await?
    }

    /// Verifies a password against a user's hash. Without a hash, does the same work with a dummy hash.
    pub async fn verify(
        &self,
        password: &Password,
        hash: Option<String>,
        place: &Place,
    ) -> Result<bool, Error> {
        // A password over this limit can't be correct, so it is neither normalized nor hashed.
        let fits = password.0.len() <= MAX_BYTES;
        let normalized = if fits { password.normalized() } else { String::new() };
        let can_match = fits && hash.is_some();
        let traced = if hash.is_some() { "with the user's hash" } else { "with a dummy hash" };
        let hash = hash.unwrap_or_else(|| self.dummy_hash.clone());
        let verify = move || argon2().verify_password(normalized.as_bytes(), hash.as_str()).is_ok();
        let verify = trace::timed("Argon2id", traced, verify);
        Ok(place.run(verify).await? && can_match)
    }
}

/// Returns whether a hash does not use Argon2id, or uses less memory or fewer passes than `PARAMS`.
pub fn needs_rehash(hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return true };
    let is_weaker =
        |params: Params| params.m_cost() < PARAMS.m_cost() || params.t_cost() < PARAMS.t_cost();
    hash.algorithm != Algorithm::Argon2id.ident() || Params::try_from(&hash).map_or(true, is_weaker)
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

fn hash(password: &[u8]) -> Result<String, Error> {
    let hash: Result<PasswordHash, _> = argon2().hash_password(password);
    hash.map(|hash| hash.to_string()).map_err(|cause| Error::Failed(cause.to_string()))
}

#[cfg(test)]
#[test]
fn rehashes_weaker_parameters_and_other_algorithms() {
    for (start, needed) in [
        ("argon2id$v=19$m=19456,t=2,p=1", false),
        ("argon2id$v=19$m=65536,t=3,p=4", false),
        ("argon2id$v=19$m=19455,t=2,p=1", true),
        ("argon2id$v=19$m=65536,t=1,p=1", true),
        ("argon2i$v=19$m=19456,t=2,p=1", true),
    ] {
        let hash = format!("${start}$c29tZXNhbHRzb21lc2FsdA${}", "A".repeat(43));
        assert_eq!(needs_rehash(&hash), needed, "{start}");
    }
    assert!(needs_rehash("not a hash"));
}
