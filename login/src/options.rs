//! Options for a login.

use std::num::NonZeroU32;

use rocket::form::{self, FromFormField, ValueField};

/// Whether a login outlives the browser.
///
/// As a form field it is a checkbox: a missing field, an empty one, `0`, `no`, `off` and `false` are
/// [`No`](Remember::No), any other value is [`Yes`](Remember::Yes).
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
        match field.value {
            "" | "0" | "no" | "off" | "false" => Ok(Remember::No),
            _ => Ok(Remember::Yes),
        }
    }

    fn default() -> Option<Self> {
        Some(Remember::No)
    }
}

/// The options of [`Login::log_in`](crate::Login::log_in), which also takes a [`Remember`] in their
/// place.
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
    /// A fresh login that ends with the browser.
    pub fn new() -> LoginOptions {
        LoginOptions::default()
    }

    /// Whether the login outlives the browser.
    pub fn remember(mut self, remember: Remember) -> LoginOptions {
        self.remember = remember;
        self
    }

    /// The user has not typed a password, for example after single sign-on, so the login is not
    /// fresh: Flask-Login's `fresh=False`.
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
