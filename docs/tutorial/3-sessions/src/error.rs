use std::fmt;

use rocket::Request;
use rocket::http::Status;
use rocket::response::{self, Responder};

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
pub struct Error(Cause);

impl<E: Into<Cause>> From<E> for Error {
    fn from(cause: E) -> Error {
        Error(cause.into())
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        rocket::error!("{self}");
        Err(Status::InternalServerError)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
