//! The numbers of a login, read from the `login` table of the configuration.

use std::num::NonZeroU32;

use rocket::serde::{Deserialize, Serialize};

/// How long a login lasts and how it is kept. All times are in seconds and at least 1.
///
/// Every field has a default, an unknown one is an error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(crate = "rocket::serde", default, deny_unknown_fields)]
pub struct Settings {
    /// How long a login lasts, however busy it is: 12 hours (OWASP ASVS 5, 7.3.2).
    pub session_lifetime: NonZeroU32,
    /// How long it lasts without a request, unless remembered: 2 hours (OWASP ASVS 5, 7.3.1).
    /// Kept by the app, which alone knows when it last saw a session.
    pub idle_timeout: NonZeroU32,
    /// How long a remembered login lasts: 30 days (NIST SP 800-63B-4, 2.1.3).
    pub remember_lifetime: NonZeroU32,
    /// How long after its password was typed a login is fresh: 15 minutes.
    pub fresh_for: NonZeroU32,
    /// What happens when the cookie comes from another browser than it was given to.
    pub session_protection: SessionProtection,
    /// Whether people reach the site over HTTPS although Rocket itself does not serve it.
    pub secure_cookies: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        const fn seconds(n: u32) -> NonZeroU32 {
            NonZeroU32::new(n).expect("a constant above zero")
        }
        Settings {
            session_lifetime: const { seconds(12 * 60 * 60) },
            idle_timeout: const { seconds(2 * 60 * 60) },
            remember_lifetime: const { seconds(30 * 24 * 60 * 60) },
            fresh_for: const { seconds(15 * 60) },
            session_protection: SessionProtection::Basic,
            secure_cookies: false,
        }
    }
}

/// Flask-Login's `session_protection`, by the `User-Agent` and never by the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(crate = "rocket::serde", rename_all = "lowercase")]
pub enum SessionProtection {
    /// Any browser that has the cookie is the user's.
    None,
    /// Another browser is signed in but never fresh.
    Basic,
    /// A cookie seen in another browser was stolen: its session ends.
    Strong,
}
