//! Responses to unauthorized requests: a redirect for people, JSON for API clients.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rocket::Request;
use rocket::http::{ContentType, MediaType, SameSite, Status};
use rocket::response::{self, Flash, Redirect, Responder};
use rocket::serde::json::json;

use crate::next::login_url;

/// The reason why a guard failed.
///
/// An `AuthError` is also a responder, with the same response as the failed guard: a redirect with
/// a flash message, JSON, or the response of the [`LoginManager`](crate::LoginManager)'s handler. A
/// handler can therefore take a guard as a `Result` and use `?`. A handler can also return an
/// `AuthError` itself, as with Flask-Login's `unauthorized()` and `needs_refresh()`.
///
/// ```
/// use rocket_login::{AuthError, FreshUser, LoginUser};
///
/// fn transfer<U: LoginUser>(
///     amount: u32,
///     user: Result<FreshUser<U>, AuthError>,
/// ) -> Result<String, AuthError> {
///     if amount > 1000 {
///         user?; // Only large amounts require a fresh login.
///     }
///     Ok(format!("Sent {amount}."))
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// The user is anonymous (401).
    Unauthorized,
    /// The user is logged in, but the login is not fresh (401).
    NeedsRefresh,
    /// The user is logged in, but lacks permission (403). This variant is for an app's own guards,
    /// such as a role guard.
    Forbidden,
    /// The store failed, or no manager is attached (503).
    Unavailable,
}

impl AuthError {
    /// Returns the status of the response.
    pub fn status(self) -> Status {
        match self {
            AuthError::Unauthorized | AuthError::NeedsRefresh => Status::Unauthorized,
            AuthError::Forbidden => Status::Forbidden,
            AuthError::Unavailable => Status::ServiceUnavailable,
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthError::Unauthorized => "Unauthorized",
            AuthError::NeedsRefresh => "Reauthentication required",
            AuthError::Forbidden => "Forbidden",
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

/// The error that the 401 catcher responds to. The request's local cache holds this error, because
/// Rocket does not pass a guard's error to a catcher.
///
/// Only the last error counts, because a handler might have taken an earlier error as an `Option`
/// or a `Result`.
#[derive(Default)]
pub(crate) struct LastError {
    error: Option<(AuthError, Option<Respond>)>,
    /// Whether a manager's catcher has run.
    pub responded: bool,
}

/// The function that responds to the error, for the user type of the failed guard.
pub(crate) type Respond = fn(AuthError, &Request<'_>) -> response::Result<'static>;

impl LastError {
    pub fn of<'r>(request: &'r Request<'_>) -> MutexGuard<'r, LastError> {
        let last = request.local_cache(Mutex::<LastError>::default);
        last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn guard_failed(&mut self, error: AuthError, respond: Respond) {
        self.error = Some((error, Some(respond)));
    }

    /// Records an error that a handler returned: either a guard's error or the handler's own error.
    fn returned(&mut self, error: AuthError) {
        if self.error.is_none_or(|(last, _)| last != error) {
            self.error = Some((error, None));
        }
    }

    pub fn is_of_a_guard(&self) -> bool {
        self.error.is_some_and(|(_, respond)| respond.is_some())
    }

    /// Returns the error, and records that a manager's catcher has run.
    pub fn take(&mut self) -> Option<(AuthError, Option<Respond>)> {
        self.responded = true;
        self.error
    }
}

/// Returns whether the request comes from an API client, which can't use an HTML page or a
/// redirect.
///
/// A client is an API client if the `Content-Type` or the preferred type of `Accept` is JSON
/// (`application/json` or `application/*+json`). A script that calls `fetch()` and does not accept
/// HTML is also an API client. Requests from htmx and Turbo do not count as `fetch()`.
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
        // Excludes htmx before version 4, because these versions send `Accept: */*` but need HTML.
        && header("HX-Request").is_none()
}

/// Returns whether the browser might show the response as a page, and not as an image or a style
/// sheet.
fn is_page(request: &Request<'_>) -> bool {
    let dest = request.headers().get_one("Sec-Fetch-Dest");
    dest.is_none_or(|dest| matches!(dest, "document" | "empty" | "iframe" | "frame"))
}

pub(crate) fn json_error(error: AuthError, request: &Request<'_>) -> response::Result<'static> {
    let body = json!({ "error": error.to_string() }).to_string();
    (error.status(), (ContentType::JSON, body)).respond_to(request)
}

/// The response to one kind of [`AuthError`].
#[derive(Clone)]
pub(crate) struct UnauthorizedResponse {
    pub view: Option<String>,
    /// Views for parts of the app, as pairs of a path and a view.
    pub views_under: Vec<(String, String)>,
    pub category: String,
    /// The text of the flash message, which is also the body of a 401 without a view. If the text
    /// is empty, no flash message is set.
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

    /// Returns the view with the longest matching path, or the default view if no path matches.
    fn view_for(&self, request: &Request<'_>) -> Option<&String> {
        let views = self.views_under.iter().filter(|(path, _)| is_under(request, path));
        views.max_by_key(|(path, _)| path.len()).map(|(_, view)| view).or(self.view.as_ref())
    }

    pub fn respond(&self, error: AuthError, request: &Request<'_>) -> response::Result<'static> {
        if let Some(handler) = &self.handler {
            // Converts an error status into a response, because an error in a catcher becomes a
            // 500.
            return handler(request)
                .or_else(|status| (status, status.to_string()).respond_to(request));
        }
        if expects_json(request) {
            return json_error(error, request);
        }
        let Some(view) = self.view_for(request) else {
            return (Status::Unauthorized, self.message.clone()).respond_to(request);
        };
        let redirect = Redirect::to(login_url(request, view));
        if self.message.is_empty() || !is_page(request) {
            return redirect.respond_to(request);
        }
        let response = Flash::new(redirect, &self.category, &self.message).respond_to(request);
        // Changes Rocket's flash cookie to `SameSite=Lax`, because browsers do not send a `Strict`
        // cookie if the user followed a link on another site.
        if let Some(mut flash) = request.cookies().get_pending("_flash") {
            flash.set_same_site(SameSite::Lax);
            request.cookies().add(flash);
        }
        response
    }
}

/// Returns whether the request's path is `base` or a path below `base`. Compares the segments as
/// Rocket's router does.
pub(crate) fn is_under(request: &Request<'_>, base: &str) -> bool {
    let path = request.uri().path();
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    base.split('/').filter(|wanted| !wanted.is_empty()).all(|wanted| {
        segments.next().is_some_and(|segment| segment.percent_decode_lossy() == wanted)
    })
}
