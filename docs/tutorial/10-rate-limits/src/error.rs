use std::fmt;

use rocket::http::Status;
use rocket::response::{self, Responder};
use rocket::serde::json::{Value, json};
use rocket::{Either, Request, catch};
use rocket_dyn_templates::{Template, context};
use rocket_login::{AuthError, expects_json};

use crate::page::Page;

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
pub enum Error {
    /// A form with errors, to be shown again.
    Invalid(Page),
    /// Too many passwords are waiting to be hashed.
    Busy,
    /// Too many failures. The client must wait for this many seconds.
    Throttled(i64),
    /// A cause for the log.
    Failed(Cause),
}

impl<E: Into<Cause>> From<E> for Error {
    fn from(cause: E) -> Error {
        Error::Failed(cause.into())
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        match self {
            Error::Invalid(page) => page.status(Status::UnprocessableEntity).respond_to(request),
            Error::Throttled(wait) => {
                let text = format!("Too many attempts. Please try again in {wait} seconds.");
                let page = Page::new("error").with("status", 429).with("text", text);
                let mut response = page.status(Status::TooManyRequests).respond_to(request)?;
                response.set_raw_header("Retry-After", wait.to_string());
                Ok(response)
            }
            Error::Busy => Err(Status::ServiceUnavailable),
            Error::Failed(cause) => {
                let cause = match cause.downcast::<AuthError>() {
                    Ok(error) => return error.respond_to(request),
                    Err(cause) => cause,
                };
                rocket::error!("{cause}");
                Err(Status::InternalServerError)
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid(_) => f.write_str("a form has errors"),
            Error::Throttled(wait) => write!(f, "too many attempts: wait for {wait} s"),
            Error::Busy => f.write_str("too many passwords are waiting to be hashed"),
            Error::Failed(cause) => cause.fmt(f),
        }
    }
}

#[catch(default)]
pub fn error_page(status: Status, request: &Request<'_>) -> Either<Template, Value> {
    if expects_json(request) {
        return Either::Right(json!({ "error": status.reason_lossy() }));
    }
    let text = match status.code {
        403 => "You don't have access to this page.",
        404 => "There is no page at this address.",
        422 => "Part of the form is missing. Please go back and fill it in again.",
        503 => "The site is temporarily unavailable. Please try again in a few seconds.",
        500.. => "Something went wrong, and we've logged the error. Please try again later.",
        _ => "The site can't respond to this request.",
    };
    Either::Left(Template::render("error", context! { status: status.code, text }))
}
