use std::fmt;

use rocket::Request;
use rocket::http::Status;
use rocket::response::{self, Responder};

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
pub enum Error {
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
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        rocket::error!("{self}");
        Err(match self {
            Error::Busy => Status::ServiceUnavailable,
            Error::Failed(_) => Status::InternalServerError,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Busy => f.write_str("too many passwords are waiting to be hashed"),
            Error::Failed(cause) => cause.fmt(f),
        }
    }
}
