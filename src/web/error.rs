//! Errors that handlers return, and the error pages.

use rocket::http::{ContentType, Method, Status};
use rocket::response::{self, Redirect, Responder};
use rocket::serde::json::json;
use rocket::{Request, catch};
use rocket_login::{AuthError, current_user, expects_json};

use crate::accounts::{self, CredentialsError, User};
use crate::web::page::Page;

/// An error that a handler returns.
#[derive(Debug)]
pub enum Error {
    /// Validation errors: a 422 response with the form again.
    Invalid(Box<Page>),
    /// Rate limit exceeded: a 429 response with the form again, and `Retry-After` in seconds.
    Throttled(Box<Page>, i64),
    /// A redirect to another page.
    Redirect(Box<Redirect>),
    /// The response of a guard that rejects the request.
    Auth(AuthError),
    /// The error page for this status.
    Status(Status),
}

impl From<Page> for Error {
    fn from(form: Page) -> Error {
        Error::Invalid(Box::new(form))
    }
}

impl From<Redirect> for Error {
    fn from(redirect: Redirect) -> Error {
        Error::Redirect(Box::new(redirect))
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Error {
        Error::Auth(error)
    }
}

impl From<accounts::Error> for Error {
    fn from(cause: accounts::Error) -> Error {
        rocket::error!("{cause}");
        Error::Status(match cause {
            accounts::Error::Throttled { .. } => Status::TooManyRequests,
            accounts::Error::Unavailable(_) => Status::ServiceUnavailable,
            accounts::Error::Failed(_) => Status::InternalServerError,
        })
    }
}

impl accounts::Error {
    /// Converts the error into a response: the form again if there were too many attempts, or an error
    /// page.
    pub fn into_form(self, form: Page) -> Error {
        let accounts::Error::Throttled { retry_after } = self else { return self.into() };
        let wait = match retry_after {
            1 => "1 second".to_owned(),
            ..=90 => format!("{retry_after} seconds"),
            _ => format!("{} minutes", (retry_after + 59) / 60),
        };
        let message = format!("Too many attempts. Try again in {wait}.");
        Error::Throttled(Box::new(form.flash("danger", message)), retry_after)
    }
}

impl CredentialsError {
    /// Converts the error into a response: the form again, with `message` if the credentials failed, or
    /// an error page if the credentials could not be verified.
    pub fn into_form(self, form: Page, message: &str) -> Error {
        match self {
            CredentialsError::Failed { .. } => form.flash("danger", message).into(),
            CredentialsError::NotVerified(cause) => cause.into_form(form),
        }
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let respond = |form: Page, status| match expects_json(request) {
            true => ErrorPage::new(status).respond_to(request),
            false => form.status(status).respond_to(request),
        };
        match self {
            Error::Invalid(form) => respond(*form, Status::UnprocessableEntity),
            Error::Throttled(form, retry_after) => {
                let form = form.with("retry_after", retry_after);
                let mut response = respond(form, Status::TooManyRequests)?;
                response.set_raw_header("Retry-After", retry_after.to_string());
                Ok(response)
            }
            Error::Redirect(redirect) => redirect.respond_to(request),
            Error::Auth(error) => error.respond_to(request),
            Error::Status(status) => Err(status),
        }
    }
}

/// Responds with the error page, except for status 401, to which the crate `rocket_login` responds.
#[catch(default)]
pub fn catcher(status: Status, _: &Request<'_>) -> ErrorPage {
    ErrorPage::new(status)
}

/// An error page, or JSON for an API client.
pub struct ErrorPage {
    status: Status,
    title: &'static str,
    text: &'static str,
}

/// The `Retry-After` of a 503 response, in seconds.
const RETRY_AFTER: u64 = 5;

impl ErrorPage {
    fn new(status: Status) -> ErrorPage {
        let (title, text) = explanation(status);
        ErrorPage { status, title, text }
    }

    /// Returns the page for a cross-site request.
    pub fn cross_site() -> ErrorPage {
        ErrorPage {
            status: Status::Forbidden,
            title: "Request blocked",
            text: "This form was sent from another site, so nothing was done. Please submit it here.",
        }
    }
}

impl<'r> Responder<'r, 'static> for ErrorPage {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        // Without the database, the page would show a logged-in user as anonymous. Returning an error
        // here would lead to Rocket's own 500 page.
        let page = match current_user::<User>(request) {
            Ok(_) => self,
            Err(_) => ErrorPage::new(Status::ServiceUnavailable),
        };
        let ErrorPage { status, title, text } = page;
        let mut response = if expects_json(request) {
            let body = json!({ "error": status.reason_lossy() });
            (status, (ContentType::JSON, body.to_string())).respond_to(request)?
        } else {
            let page = Page::new("error").status(status).with("status", status.code);
            let page = page.with("title", title).with("text", text);
            // A link can repeat only a GET.
            let can_retry = request.method() == Method::Get && helps_to_retry(status);
            page.with("can_retry", can_retry).respond_to(request)?
        };
        if status == Status::ServiceUnavailable {
            response.set_raw_header("Retry-After", RETRY_AFTER.to_string());
        }
        Ok(response)
    }
}

fn helps_to_retry(status: Status) -> bool {
    status == Status::TooManyRequests || status.class().is_server_error()
}

/// Returns the title and the text of an error page.
fn explanation(status: Status) -> (&'static str, &'static str) {
    match status.code {
        403 => ("No access", "You don't have access to this page. Another account might have it."),
        404 => (
            "Page not found",
            "There is no page at this address. It might have moved, or the link might be wrong.",
        ),
        413 => ("Too large", "You sent more than this site accepts. Please go back and send less."),
        415 => {
            ("Not a form", "This page accepts only forms. Please go back and use the form there.")
        }
        400 | 422 => (
            "Invalid form",
            "Part of the form could not be read. Please go back and fill it in again.",
        ),
        429 => {
            ("Too many requests", "You sent many requests in a short time. Please try again later.")
        }
        503 => (
            "Temporarily unavailable",
            "The site is busy or being maintained. Please try again in a few seconds.",
        ),
        500.. => (
            "Something went wrong",
            "The error is on our side, and we've logged it. Please try again later.",
        ),
        _ => ("Request failed", "The site could not respond to this request."),
    }
}
