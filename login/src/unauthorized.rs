//! Responses to unauthorized requests: a redirect for people, JSON for API clients.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocket::Request;
use rocket::http::{ContentType, MediaType, SameSite, Status};
use rocket::response::{self, Flash, Redirect, Responder};
use rocket::serde::json::json;

use crate::next::login_url;

/// Why a guard failed.
///
/// As a responder it gives the same response as the guard itself: the redirect with its flash, JSON,
/// or the handler of the [`LoginManager`](crate::LoginManager). So a handler can take a guard's
/// `Result` and use `?`, or return one of these: Flask-Login's `unauthorized()` and
/// `needs_refresh()`.
///
/// ```
/// use rocket_login::{AuthError, FreshUser, LoginUser};
///
/// fn transfer<U: LoginUser>(
///     amount: u32,
///     user: Result<FreshUser<U>, AuthError>,
/// ) -> Result<String, AuthError> {
///     if amount > 1000 {
///         user?; // Only large amounts ask for the password again.
///     }
///     Ok(format!("Sent {amount}."))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// Nobody is logged in: 401.
    Unauthorized,
    /// The user is logged in, but the login is not fresh: 401.
    NeedsRefresh,
    /// The store did not answer: 503.
    Unavailable,
}

impl AuthError {
    pub(crate) fn status(self) -> Status {
        match self {
            AuthError::Unauthorized | AuthError::NeedsRefresh => Status::Unauthorized,
            AuthError::Unavailable => Status::ServiceUnavailable,
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthError::Unauthorized => "Unauthorized",
            AuthError::NeedsRefresh => "Reauthentication required",
            AuthError::Unavailable => "Service Unavailable",
        })
    }
}

impl std::error::Error for AuthError {}

impl<'r> Responder<'r, 'static> for AuthError {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        LastError::of(request).returned(self);
        Err(self.status())
    }
}

/// What the catcher of 401 has to respond to: Rocket does not tell it a guard's error.
///
/// The last one counts, because a handler may have taken an earlier one as `Option` or `Result`.
#[derive(Default)]
pub(crate) struct LastError {
    error: Option<(AuthError, Option<Respond>)>,
    /// Whether a catcher has responded to it.
    pub responded: bool,
}

/// Responds as the manager of the guard's user type does.
pub(crate) type Respond = fn(AuthError, &Request<'_>) -> response::Result<'static>;

impl LastError {
    pub fn of<'r>(request: &'r Request<'_>) -> MutexGuard<'r, LastError> {
        let last = request.local_cache(Mutex::<LastError>::default);
        last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn guard_failed(&mut self, error: AuthError, respond: Respond) {
        self.error = Some((error, Some(respond)));
    }

    /// A handler returned `error`: the guard's own, or one that it made itself.
    fn returned(&mut self, error: AuthError) {
        if self.error.is_none_or(|(last, _)| last != error) {
            self.error = Some((error, None));
        }
    }

    pub fn is_recorded(&self) -> bool {
        self.error.is_some()
    }

    pub fn take(&mut self, default: Respond) -> (AuthError, Respond) {
        self.responded = true;
        let (error, respond) = self.error.unwrap_or((AuthError::Unauthorized, None));
        (error, respond.unwrap_or(default))
    }
}

/// Whether the request comes from an API client, which a page or a redirect would not help.
///
/// It does if its `Content-Type` or its `Accept` is JSON (`application/json` or
/// `application/*+json`), or if a script sent it with `fetch()` and does not accept HTML. htmx and
/// Turbo do accept HTML.
pub fn expects_json(request: &Request<'_>) -> bool {
    let is_json = |media: &MediaType| {
        media.is_json() || media.top() == "application" && media.sub().as_str().ends_with("+json")
    };
    request.content_type().is_some_and(|content| is_json(content))
        || request.accept().is_some_and(|accept| is_json(accept.preferred().media_type()))
        || is_fetch(request)
}

fn is_fetch(request: &Request<'_>) -> bool {
    let header = |name| request.headers().get_one(name);
    header("Sec-Fetch-Dest") == Some("empty")
        && !header("Accept").is_some_and(|accept| accept.contains("text/html"))
        // htmx before version 4 accepts anything, but shows only HTML.
        && header("HX-Request").is_none()
}

/// Whether the response to this request may be a page that somebody reads, unlike an image or a
/// style sheet.
fn is_page(request: &Request<'_>) -> bool {
    let dest = request.headers().get_one("Sec-Fetch-Dest");
    dest.is_none_or(|dest| matches!(dest, "document" | "empty" | "iframe" | "frame"))
}

/// The response to one kind of [`AuthError`].
#[derive(Clone)]
pub(crate) struct UnauthorizedResponse {
    pub view: Option<String>,
    /// Views for parts of the app, as path and view.
    pub views_under: Vec<(String, String)>,
    pub category: String,
    /// No flash if it is empty.
    pub message: String,
    pub handler: Option<Handler>,
}

pub(crate) type Handler = Arc<dyn Fn(&Request<'_>) -> response::Result<'static> + Send + Sync>;

impl UnauthorizedResponse {
    pub fn new(message: &str) -> UnauthorizedResponse {
        UnauthorizedResponse {
            view: None,
            views_under: Vec::new(),
            category: "message".to_owned(),
            message: message.to_owned(),
            handler: None,
        }
    }

    /// All views, for a check at launch.
    pub fn views(&self) -> impl Iterator<Item = &String> {
        self.view.iter().chain(self.views_under.iter().map(|(_, view)| view))
    }

    /// The view of the longest path that this request is under.
    fn view_for(&self, request: &Request<'_>) -> Option<&String> {
        let views = self.views_under.iter().filter(|(path, _)| is_under(request, path));
        views.max_by_key(|(path, _)| path.len()).map(|(_, view)| view).or(self.view.as_ref())
    }

    pub fn respond(&self, error: AuthError, request: &Request<'_>) -> response::Result<'static> {
        if let Some(handler) = &self.handler {
            return handler(request);
        }
        if expects_json(request) {
            let body = json!({ "error": error.to_string() }).to_string();
            return (Status::Unauthorized, (ContentType::JSON, body)).respond_to(request);
        }
        let Some(view) = self.view_for(request) else {
            return (Status::Unauthorized, self.message.clone()).respond_to(request);
        };
        let redirect = Redirect::to(login_url(request, view));
        if self.message.is_empty() || !is_page(request) {
            return redirect.respond_to(request);
        }
        let response = Flash::new(redirect, &self.category, &self.message).respond_to(request);
        // Rocket's flash is `Strict`, so it would not be shown after a link on another site.
        if let Some(mut flash) = request.cookies().get_pending("_flash") {
            flash.set_same_site(SameSite::Lax);
            request.cookies().add(flash);
        }
        response
    }
}

/// Whether the request's path is `base` or below it.
pub(crate) fn is_under(request: &Request<'_>, base: &str) -> bool {
    let rest = request.uri().path().as_str().strip_prefix(base.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
