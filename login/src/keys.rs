//! Previous secret keys.

use std::sync::Arc;

use cookie::Key;
use rocket::http::{Cookie, CookieJar};

/// Previous secret keys, so that a new secret key logs no one out: Flask's and Django's
/// `SECRET_KEY_FALLBACKS`.
///
/// Put the keys into managed state. Every manager then accepts session cookies that were encrypted
/// with one of these keys, and encrypts them again with the current key. The logins are no longer
/// fresh. Remove a key after
/// [`Settings::remember_lifetime`](crate::Settings::remember_lifetime), when no valid cookie needs
/// it. Never keep a key that someone else might know.
///
/// ```
/// # use rocket::{Build, Rocket};
/// use rocket_login::PreviousSecretKeys;
///
/// fn rocket(old_key: &[u8]) -> Option<Rocket<Build>> {
///     Some(rocket::build().manage(PreviousSecretKeys::new([old_key])?))
/// }
/// ```
#[derive(Clone, Default)]
pub struct PreviousSecretKeys(Arc<[Key]>);

impl PreviousSecretKeys {
    /// Creates the list from keys of at least 32 bytes. Returns `None` if a key is shorter.
    ///
    /// Like Rocket, derives an encryption key from fewer than 64 bytes, and otherwise uses the key
    /// itself.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Option<PreviousSecretKeys> {
        let key = |bytes: &[u8]| match bytes.len() {
            ..32 => None,
            32..64 => Some(Key::derive_from(bytes)),
            64.. => Some(Key::from(bytes)),
        };
        keys.into_iter().map(|bytes| key(bytes.as_ref())).collect::<Option<_>>().map(Self)
    }

    /// Returns whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Decrypts a private cookie that was encrypted with one of these keys. Returns `None` if the
    /// cookie is missing or if no key of the list fits.
    pub fn get_private(&self, jar: &CookieJar<'_>, name: &str) -> Option<Cookie<'static>> {
        let cookie = jar.get(name)?;
        let decrypt = |key| cookie::CookieJar::new().private(key).decrypt(cookie.clone());
        self.0.iter().find_map(decrypt)
    }
}
