//! When a request can't be served: whose fault it is, what the visitor hears, what the log says.

use rocket::http::{ContentType, Status};
use rocket::response::{self, Redirect, Responder};
use rocket::serde::json::json;
use rocket::{Request, catch};
use rocket_login::{AuthError, current_user, expects_json};

use crate::db;
use crate::page::Page;
use crate::passwords;
use crate::users::User;

/// Why a handler has nothing better to show. Each variant knows its page.
#[derive(Debug)]
pub enum Error {
    /// The visitor can mend it: 422 and the form again, with what is wrong.
    Invalid(Box<Page>),
    /// Too many passwords were wrong: 429 and the form again, for another try after so many seconds.
    TooMany(Box<Page>, i64),
    /// The page is not for this visitor: 303 to another.
    Elsewhere(Box<Redirect>),
    /// The login ended in the meantime: the response of a guard that fails.
    Auth(AuthError),
    /// No page of its own: the one that all errors of this status share.
    Status(Status),
}

impl From<Page> for Error {
    fn from(form: Page) -> Error {
        Error::Invalid(Box::new(form))
    }
}

impl From<Redirect> for Error {
    fn from(redirect: Redirect) -> Error {
        Error::Elsewhere(Box::new(redirect))
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Error {
        Error::Auth(error)
    }
}

impl From<db::Error> for Error {
    fn from(cause: db::Error) -> Error {
        rocket::error!("{cause}");
        Error::Status(Status::ServiceUnavailable)
    }
}

impl From<passwords::Error> for Error {
    fn from(cause: passwords::Error) -> Error {
        match cause {
            passwords::Error::Busy => {
                rocket::warn!("Too many passwords wait to be hashed.");
                Error::Status(Status::ServiceUnavailable)
            }
            passwords::Error::Failed(cause) => {
                rocket::error!("{cause}");
                Error::Status(Status::InternalServerError)
            }
        }
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let answer = |form: Page, status| match expects_json(request) {
            true => ErrorPage::new(status).respond_to(request),
            false => form.status(status).respond_to(request),
        };
        match self {
            Error::Invalid(form) => answer(*form, Status::UnprocessableEntity),
            Error::TooMany(form, seconds) => {
                let mut response = answer(*form, Status::TooManyRequests)?;
                response.set_raw_header("Retry-After", seconds.to_string());
                Ok(response)
            }
            Error::Elsewhere(redirect) => redirect.respond_to(request),
            Error::Auth(error) => error.respond_to(request),
            Error::Status(status) => Err(status),
        }
    }
}

/// Answers every error that has no page of its own yet, 401 apart, which `rocket_login` answers.
#[catch(default)]
pub fn catcher(status: Status, _: &Request<'_>) -> ErrorPage {
    ErrorPage::new(status)
}

/// An error as a page, or as JSON for an API client.
pub struct ErrorPage {
    status: Status,
    /// The title, and what happened and what to do about it.
    explanation: (&'static str, &'static str),
}

impl ErrorPage {
    fn new(status: Status) -> ErrorPage {
        ErrorPage { status, explanation: explanation(status) }
    }

    /// The page for a request that another site made the browser send.
    pub fn cross_site() -> ErrorPage {
        let text =
            "This form was sent from another site, so nothing was done. Please submit it here.";
        ErrorPage { status: Status::Forbidden, explanation: ("Request blocked", text) }
    }
}

/// In seconds: time enough for a lock or a queue to clear.
const RETRY_AFTER: u64 = 5;

impl<'r> Responder<'r, 'static> for ErrorPage {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        // Any other page would show a user as anonymous.
        let (status, (title, text)) = match current_user::<User>(request) {
            Ok(_) => (self.status, self.explanation),
            Err(_) => {
                let status = Status::ServiceUnavailable;
                (status, explanation(status))
            }
        };
        let mut response = if expects_json(request) {
            let body = json!({ "error": status.reason_lossy() });
            (status, (ContentType::JSON, body.to_string())).respond_to(request)?
        } else {
            let page = Page::new("error").status(status).with("status", status.code);
            page.with("title", title).with("text", text).respond_to(request)?
        };
        if status == Status::ServiceUnavailable {
            response.set_raw_header("Retry-After", RETRY_AFTER.to_string());
        }
        Ok(response)
    }
}

/// The title and the text of an error page.
fn explanation(status: Status) -> (&'static str, &'static str) {
    match status.code {
        403 => ("No access", "You don't have access to this page. Another account may have it."),
        404 => (
            "Page not found",
            "There is no page at this address. It may have moved, or the link may be wrong.",
        ),
        413 => ("Too large", "You sent more than this site accepts. Please go back and send less."),
        415 => {
            ("Not a form", "This page accepts only forms. Please go back and use the form there.")
        }
        400 | 422 => (
            "Invalid form",
            "Part of the form could not be read. Please go back and fill it in again.",
        ),
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
