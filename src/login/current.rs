//! What is known of this request: found once, and shared by all who ask.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocket::Request;
use rocket::futures::FutureExt;

use super::manager::{Event, LoginManager};
use super::refusal::Refusal;
use super::settings::SessionProtection;
use super::ticket::{Ticket, browser};
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

    /// Finds out, with one question to the store, or none for a stranger.
    pub async fn identify(request: &Request<'_>, manager: &LoginManager<U>) {
        // A panic in a fairing would drop the connection without an answer.
        let known = match AssertUnwindSafe(load(request, manager)).catch_unwind().await {
            Ok(Ok(known)) => known,
            Ok(Err(cause)) => {
                rocket::error!("The user of this request could not be loaded: {cause}");
                Known::Unavailable
            }
            Err(_) => {
                rocket::error!("Loading the user of this request panicked.");
                Known::Unavailable
            }
        };
        *Known::of(request) = known;
    }
}

async fn load<U: LoginUser>(
    request: &Request<'_>,
    manager: &LoginManager<U>,
) -> Result<Known<U>, U::Error> {
    let Some(store) = request.rocket().state::<U::Store>() else {
        return Ok(Known::Nobody);
    };
    if let Some(ticket) = manager.cookie.open(request.cookies(), manager.clock.now()) {
        let moved = ticket.browser != browser(user_agent(request));
        if moved && manager.settings.session_protection == SessionProtection::Strong {
            U::end(store, &ticket.id).await?;
            manager.emit(Event::OtherBrowser, request);
        } else if let Some(user) = active(U::load(store, &ticket.id).await?) {
            return Ok(Known::User { user, ticket: Some(ticket) });
        }
    }
    let user = active(U::load_from_request(store, request).await?);
    Ok(user.map_or(Known::Nobody, |user| Known::User { user, ticket: None }))
}

fn active<U: LoginUser>(user: Option<U>) -> Option<Arc<U>> {
    user.filter(U::is_active).map(Arc::new)
}

/// The browser's name for itself, cut to what is worth keeping.
pub(super) fn user_agent<'r>(request: &'r Request<'_>) -> &'r str {
    let name = request.headers().get_one("User-Agent").unwrap_or_default();
    &name[..name.floor_char_boundary(256)]
}
