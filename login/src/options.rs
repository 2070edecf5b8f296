//! Options for a login.

use std::num::NonZeroU32;

use rocket::form::{self, FromFormField, ValueField};

/// The user's choice of whether a login persists after the browser is closed.
///
/// As a form field, `Remember` is a checkbox. A missing field, an empty field, `0`, `no`, `off` and
/// `false` mean [`No`](Remember::No), regardless of case. Any other value means
/// [`Yes`](Remember::Yes).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remember {
    /// The login lasts until the browser is closed, and at most for
    /// [`Settings::session_lifetime`](crate::Settings::session_lifetime).
    #[default]
    No,
    /// The login lasts for [`Settings::remember_lifetime`](crate::Settings::remember_lifetime).
    Yes,
    /// The login lasts for this many seconds: the `duration` of Flask-Login's `login_user`.
    For(NonZeroU32),
}

impl<'v> FromFormField<'v> for Remember {
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        match field.value.to_ascii_lowercase().as_str() {
            "" | "0" | "no" | "off" | "false" => Ok(Remember::No),
            _ => Ok(Remember::Yes),
        }
    }

    fn default() -> Option<Self> {
        Some(Remember::No)
    }
}

/// Options for [`Login::log_in`](crate::Login::log_in), which also accepts a [`Remember`].
///
/// ```
/// use rocket_login::{LoginOptions, Remember};
///
/// let after_single_sign_on = LoginOptions::from(Remember::Yes).not_fresh();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct LoginOptions {
    pub(crate) remember: Remember,
    pub(crate) not_fresh: bool,
}

impl LoginOptions {
    /// Creates options for a fresh login that ends when the browser is closed.
    pub fn new() -> LoginOptions {
        LoginOptions::default()
    }

    /// Sets whether the login persists after the browser is closed.
    pub fn remember(mut self, remember: Remember) -> LoginOptions {
        self.remember = remember;
        self
    }

    /// Makes the login not fresh: Flask-Login's `fresh=False`. Use this option if the user has not
    /// entered a password, for example after single sign-on.
    pub fn not_fresh(mut self) -> LoginOptions {
        self.not_fresh = true;
        self
    }
}

impl From<Remember> for LoginOptions {
    fn from(remember: Remember) -> LoginOptions {
        LoginOptions::new().remember(remember)
    }
}
