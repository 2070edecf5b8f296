//! Options for a login.

use std::num::NonZeroU32;

use rocket::form::{self, FromFormField, ValueField};

/// Whether a login persists after the browser is closed.
///
/// As a form field it is a checkbox: a missing field, an empty one, `0`, `no`, `off` and `false` are
/// [`No`](Remember::No) in any case, and any other value is [`Yes`](Remember::Yes).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remember {
    /// Until the browser is closed.
    #[default]
    No,
    /// For [`Settings::remember_lifetime`](crate::Settings::remember_lifetime).
    Yes,
    /// For this many seconds: the `duration` of Flask-Login's `login_user`.
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
    /// A fresh login that ends when the browser is closed.
    pub fn new() -> LoginOptions {
        LoginOptions::default()
    }

    /// Sets whether the login persists after the browser is closed.
    pub fn remember(mut self, remember: Remember) -> LoginOptions {
        self.remember = remember;
        self
    }

    /// Makes a login that is not fresh, because the user has not entered a password, for example with
    /// single sign-on: Flask-Login's `fresh=False`.
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
