//! What is known of this request: found once, and shared by all who ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocket::Request;

use super::refusal::Refusal;
use super::ticket::Ticket;
use super::user::LoginUser;

/// The user of this request, as templates and error pages want to know it: Flask-Login's
/// `current_user` for code that is no handler. Handlers ask for a guard.
///
/// # Errors
///
/// [`Refusal::Unavailable`] if a cookie says that there is a user and the store did not say who.
pub fn current_user<U: LoginUser>(request: &Request<'_>) -> Result<Option<Arc<U>>, Refusal> {
    match &*Known::<U>::of(request) {
        Known::Nobody => Ok(None),
        Known::User { user, .. } => Ok(Some(user.clone())),
        Known::Unavailable => Err(Refusal::Unavailable),
    }
}

pub(super) enum Known<U> {
    Nobody,
    User {
        user: Arc<U>,
        /// `None` for a user from [`LoginUser::load_from_request`].
        ticket: Option<Ticket>,
    },
    Unavailable,
}

impl<U: LoginUser> Known<U> {
    /// What is known now. Behind a lock because Rocket's request-local cache is written only once, and
    /// a login within the request changes what the rest of it knows.
    pub fn of<'r>(request: &'r Request<'_>) -> MutexGuard<'r, Known<U>> {
        let known = request.local_cache(|| Mutex::new(Known::<U>::Nobody));
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The browser's name for itself, cut to what is worth keeping.
pub(super) fn user_agent<'r>(request: &'r Request<'_>) -> &'r str {
    let name = request.headers().get_one("User-Agent").unwrap_or_default();
    &name[..name.floor_char_boundary(256)]
}
