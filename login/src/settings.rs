//! Settings from the `login` table of Rocket's configuration.

use std::num::NonZeroU32;

use rocket::figment::value::Dict;
use rocket::figment::{Error, Figment, error::Kind};
use rocket::serde::Deserialize;

/// The lifetimes of logins and the protection of the cookie. All times are at least 1 second.
///
/// The [`LoginManager`](crate::LoginManager) reads the settings at launch from the
/// `[default.login]` table of `Rocket.toml`. Environment variables can also change the settings,
/// for example `ROCKET_LOGIN='{fresh_for = 600}'`. Each setting has a default.
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
    /// How many seconds a login lasts without "remember me". Defaults to 12 hours (OWASP ASVS 5,
    /// 7.3.2).
    pub session_lifetime: NonZeroU32,
    /// How many seconds a remembered login lasts. Defaults to 30 days (NIST SP 800-63B-4, 2.1.3).
    pub remember_lifetime: NonZeroU32,
    /// How many seconds a login is fresh after the user has entered their password. Defaults to 15
    /// minutes.
    pub fresh_for: NonZeroU32,
    /// What happens if the `User-Agent` differs from the one at login or reauthentication.
    pub session_protection: SessionProtection,
    /// Whether cookies are `Secure` without Rocket's own TLS. Set this field to `true` if a proxy
    /// terminates TLS. With Rocket's own TLS, cookies are always `Secure`.
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
    /// Reads the `login` table. `app_settings` are additional keys in this table, which the app
    /// reads itself.
    ///
    /// # Errors
    ///
    /// Returns an error if a value is invalid, or if a key is neither a setting nor one of
    /// `app_settings`.
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
        // Does not use `extract_inner`, because the errors of `extract_inner` have the wrong path.
        figment.extract::<Tables>().map(|tables| tables.login).map_err(Box::new)
    }
}

/// What happens if the `User-Agent` differs from the one at login or reauthentication:
/// Flask-Login's `session_protection`.
///
/// This setting ignores IP addresses, because a phone's address changes with its network. A browser
/// update can also change the `User-Agent`.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(crate = "rocket::serde", rename_all = "lowercase")]
pub enum SessionProtection {
    /// The difference has no effect.
    None,
    /// The login is not fresh.
    Basic,
    /// The manager rejects the cookie and calls [`end_session`](crate::LoginStore::end_session). If
    /// the store has server-side sessions, `end_session` revokes the session.
    Strong,
}
