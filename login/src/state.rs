//! The user of a request, identified once and shared by guards, handlers and templates.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocket::Request;

use crate::cookie::SessionCookie;
use crate::{AuthError, LoginUser};

/// The user of this request, for code that is no handler, such as templates and error pages:
/// Flask-Login's `current_user`. In a handler, use the guard [`CurrentUser`](crate::CurrentUser).
///
/// # Errors
///
/// [`AuthError::Unavailable`] if the store did not answer.
pub fn current_user<U: LoginUser>(request: &Request<'_>) -> Result<Option<Arc<U>>, AuthError> {
    match &*Shared::<U>::of(request).lock() {
        AuthState::Anonymous => Ok(None),
        AuthState::LoggedIn { user, .. } => Ok(Some(user.clone())),
        AuthState::Unavailable => Err(AuthError::Unavailable),
    }
}

pub(crate) enum AuthState<U> {
    Anonymous,
    LoggedIn {
        user: Arc<U>,
        /// `None` for a user from [`LoginStore::load_from_request`](crate::LoginStore).
        session: Option<SessionCookie>,
    },
    /// The store did not answer.
    Unavailable,
}

/// The state that a request shares. Rocket's request-local cache is written only once, and a login or
/// logout changes the state, hence the lock.
pub(crate) struct Shared<U>(Mutex<AuthState<U>>);

impl<U: LoginUser> Shared<U> {
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Shared<U> {
        request.local_cache(|| Shared(Mutex::new(AuthState::<U>::Anonymous)))
    }

    pub fn lock(&self) -> MutexGuard<'_, AuthState<U>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, state: AuthState<U>) {
        *self.lock() = state;
    }
}

/// The `User-Agent` of a request, cut to 256 bytes.
pub(crate) fn user_agent<'r>(request: &'r Request<'_>) -> &'r str {
    let name = request.headers().get_one("User-Agent").unwrap_or_default();
    let end = (0..=name.len().min(256)).rev().find(|index| name.is_char_boundary(*index));
    &name[..end.unwrap_or_default()]
}
