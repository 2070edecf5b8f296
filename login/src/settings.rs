//! Settings, from the `login` table of Rocket's configuration.

use std::num::NonZeroU32;

use rocket::figment::value::Dict;
use rocket::figment::{Error, Figment, error::Kind};
use rocket::serde::Deserialize;

/// How long logins last and how the cookie is protected. All times are in seconds and at least 1.
///
/// The [`LoginManager`](crate::LoginManager) reads the settings at launch from the `[default.login]`
/// table of `Rocket.toml`, or from the environment: `ROCKET_LOGIN='{fresh_for = 600}'`. Each setting
/// has a default.
///
/// ```
/// use std::num::NonZeroU32;
/// use rocket_login::Settings;
///
/// let mut settings = Settings::default();
/// settings.fresh_for = NonZeroU32::new(600).unwrap();
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(crate = "rocket::serde", default)]
pub struct Settings {
    /// How long a login lasts if it is not remembered: 12 hours (OWASP ASVS 5, 7.3.2).
    pub session_lifetime: NonZeroU32,
    /// How long a remembered login lasts: 30 days (NIST SP 800-63B-4, 2.1.3).
    pub remember_lifetime: NonZeroU32,
    /// How long a login is fresh after the user has entered their password: 15 minutes.
    pub fresh_for: NonZeroU32,
    /// What happens if a session cookie comes with another `User-Agent` than at login.
    pub session_protection: SessionProtection,
    /// Set it to `true` if a proxy terminates TLS, so that browsers use HTTPS while Rocket serves HTTP.
    /// With Rocket's own TLS, cookies are always `Secure`.
    pub secure_cookies: bool,
}

const KEYS: &[&str] =
    &["session_lifetime", "remember_lifetime", "fresh_for", "session_protection", "secure_cookies"];

impl Default for Settings {
    fn default() -> Settings {
        const fn seconds(n: u32) -> NonZeroU32 {
            NonZeroU32::new(n).expect("a constant above zero")
        }
        Settings {
            session_lifetime: const { seconds(12 * 60 * 60) },
            remember_lifetime: const { seconds(30 * 24 * 60 * 60) },
            fresh_for: const { seconds(15 * 60) },
            session_protection: SessionProtection::Basic,
            secure_cookies: false,
        }
    }
}

impl Settings {
    /// Reads the `login` table. `app_settings` are the keys of that table that the app reads itself.
    ///
    /// # Errors
    ///
    /// If a value is invalid, or a key is neither a setting nor one of `app_settings`.
    pub fn from_figment(figment: &Figment, app_settings: &[&str]) -> Result<Settings, Box<Error>> {
        #[derive(Default, Deserialize)]
        #[serde(crate = "rocket::serde", default)]
        struct Tables {
            login: Settings,
        }

        let is_known = |key: &str| KEYS.contains(&key) || app_settings.contains(&key);
        let table: Dict = figment.extract_inner("login").unwrap_or_default();
        if let Some((key, value)) = table.iter().find(|(key, _)| !is_known(key)) {
            let mut error = Error::from(Kind::UnknownField(key.clone(), KEYS)).with_path("login");
            error.profile = Some(figment.profile().clone());
            error.metadata = figment.get_metadata(value.tag()).cloned();
            return Err(Box::new(error.with_path(key)));
        }
        // Not `extract_inner`, which gives its errors the wrong path.
        figment.extract::<Tables>().map(|tables| tables.login).map_err(Box::new)
    }
}

/// Flask-Login's `session_protection`. It compares the `User-Agent` and not the address, which
/// changes whenever a phone leaves the house. An update of the browser can change the `User-Agent`.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(crate = "rocket::serde", rename_all = "lowercase")]
pub enum SessionProtection {
    /// The `User-Agent` does not matter.
    None,
    /// With another `User-Agent`, the login is not fresh.
    Basic,
    /// With another `User-Agent`, nobody is logged in, and
    /// [`end_session`](crate::LoginStore::end_session) is called. It revokes the session if the store
    /// keeps sessions.
    Strong,
}
