//! The user of a request, loaded once and shared by guards, handlers and templates.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocket::Request;

use crate::cookie::SessionCookie;
use crate::{AuthError, LoginManager, LoginUser};

/// Returns the user of this request, or `None` for an anonymous user: Flask-Login's `current_user`.
///
/// This function is for responders, catchers and fairings. In a handler, use
/// [`CurrentUser`](crate::CurrentUser).
///
/// # Errors
///
/// Returns [`AuthError::Unavailable`] if the store failed or no `LoginManager<U>` is attached.
pub fn current_user<U: LoginUser>(request: &Request<'_>) -> Result<Option<Arc<U>>, AuthError> {
    if LoginManager::<U>::of(request).is_none() {
        let user = std::any::type_name::<U>();
        rocket::error!("No `LoginManager<{user}>` is attached.");
        return Err(AuthError::Unavailable);
    }
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
    /// The store failed.
    Unavailable,
}

/// The state of a request. The state is behind a lock, because a login or logout changes the state
/// and Rocket's request-local cache can't replace a value.
pub(crate) struct Shared<U> {
    state: Mutex<AuthState<U>>,
    /// Whether the user logged out. The fairing's `on_response` needs this flag, because Rocket
    /// drops the removal of the cookie if a catcher responds.
    pub logged_out: AtomicBool,
}

impl<U: LoginUser> Shared<U> {
    pub fn of<'r>(request: &'r Request<'_>) -> &'r Shared<U> {
        request.local_cache(|| Shared {
            state: Mutex::new(AuthState::<U>::Anonymous),
            logged_out: AtomicBool::new(false),
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, AuthState<U>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, state: AuthState<U>) {
        *self.lock() = state;
    }
}

/// Returns the `User-Agent` of a request, truncated to at most 256 bytes.
pub(crate) fn user_agent<'r>(request: &'r Request<'_>) -> &'r str {
    let name = request.headers().get_one("User-Agent").unwrap_or_default();
    let end = (0..=name.len().min(256)).rev().find(|index| name.is_char_boundary(*index));
    &name[..end.unwrap_or_default()]
}
