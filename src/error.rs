//! When a request can't be served: whose fault it is, what the visitor hears, what the log says.

use rocket::http::{ContentType, Status};
use rocket::response::{self, Redirect, Responder};
use rocket::serde::json::json;
use rocket::{Request, catch, uri};

use crate::db;
use crate::login::expects_json;
use crate::page::Page;
use crate::passwords;
use crate::routes::dashboard;

/// Why a handler has nothing better to show. Each variant knows its page.
#[derive(Debug)]
pub enum Error {
    /// The visitor can mend it: the form again, and what is wrong with it.
    Refused(Box<Page>),
    /// The page is for strangers, and this visitor is signed in: 303 to the dashboard.
    SignedIn,
    /// Too many passwords were wrong: 429 and the form again, try again after so many seconds.
    Slowed(Box<Page>, i64),
    /// No page of its own: the one that all errors of this status share.
    Status(Status),
    /// Too many passwords are being hashed: 503, try again.
    Busy,
    /// The database does not answer: 503, try again.
    Database(db::Error),
    /// Our fault: 500.
    Internal(String),
}

impl From<Page> for Error {
    fn from(page: Page) -> Error {
        Error::Refused(Box::new(page))
    }
}

impl From<db::Error> for Error {
    fn from(cause: db::Error) -> Error {
        Error::Database(cause)
    }
}

impl From<passwords::Error> for Error {
    fn from(cause: passwords::Error) -> Error {
        match cause {
            passwords::Error::Busy => Error::Busy,
            passwords::Error::Failed(cause) => Error::Internal(cause),
        }
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self {
            Error::Refused(page) => page.respond_to(request),
            Error::Slowed(page, seconds) => {
                let mut response = page.status(Status::TooManyRequests).respond_to(request)?;
                response.set_raw_header("Retry-After", seconds.to_string());
                Ok(response)
            }
            Error::SignedIn => Redirect::to(uri!(dashboard::dashboard)).respond_to(request),
            Error::Status(status) => Err(status),
            Error::Busy => {
                rocket::warn!("Too many passwords wait to be hashed.");
                Err(Status::ServiceUnavailable)
            }
            Error::Database(cause) => {
                rocket::error!("{cause}");
                Err(Status::ServiceUnavailable)
            }
            Error::Internal(cause) => {
                rocket::error!("{cause}");
                Err(Status::InternalServerError)
            }
        }
    }
}

/// Answers every error that has no page of its own yet, 401 apart, which `login` answers.
#[catch(default)]
pub fn catcher(status: Status, _: &Request<'_>) -> Apology {
    Apology(status)
}

/// An error as a page, or as JSON for a program.
pub struct Apology(Status);

/// In seconds: time enough for a lock or a queue to clear.
const RETRY_AFTER: u64 = 5;

impl<'r> Responder<'r, 'static> for Apology {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Apology(status) = self;
        let mut response = if expects_json(request) {
            let body = json!({ "error": status.reason_lossy() });
            (status, (ContentType::JSON, body.to_string())).respond_to(request)?
        } else {
            let page = Page::new("error").status(status).with("status", &status.code);
            page.with("explanation", &explanation(status)).respond_to(request)?
        };
        if status == Status::ServiceUnavailable {
            response.set_raw_header("Retry-After", RETRY_AFTER.to_string());
        }
        Ok(response)
    }
}

/// What happened and what the visitor can do about it.
fn explanation(status: Status) -> &'static str {
    match status.code {
        403 => "That form was sent from another site, so nothing was done. Send it from here.",
        404 => {
            "There is no page at this address. It may have moved, or the link has a mistake in it."
        }
        413 => "That was more than this site takes. Go back and send less.",
        415 => "That was not sent as a form. Go back to the page and use the form there.",
        400 | 422 => "Something in that form could not be read. Go back and fill it in again.",
        503 => {
            "The site is busy or being looked after. Try again in a few seconds: nothing is lost."
        }
        500.. => "Something went wrong on our side, and it has been written down. Try again later.",
        _ => "That request could not be answered.",
    }
}
