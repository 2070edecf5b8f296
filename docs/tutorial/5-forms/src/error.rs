use std::fmt;

use rocket::Request;
use rocket::http::Status;
use rocket::response::{self, Responder};

use crate::page::Page;

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
pub enum Error {
    /// A form with errors, to be shown again.
    Invalid(Page),
    /// Too many passwords are waiting to be hashed.
    Busy,
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
            Error::Busy => Err(Status::ServiceUnavailable),
            Error::Failed(cause) => {
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
            Error::Busy => f.write_str("too many passwords are waiting to be hashed"),
            Error::Failed(cause) => cause.fmt(f),
        }
    }
}
