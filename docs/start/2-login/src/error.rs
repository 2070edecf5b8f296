use std::fmt;

use rocket::Request;
use rocket::http::Status;
use rocket::response::{self, Responder};

#[derive(Debug)]
pub struct Error(Box<dyn std::error::Error + Send + Sync>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Error {
    fn from(cause: E) -> Error {
        Error(cause.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        rocket::error!("{self}");
        Err(Status::InternalServerError)
    }
}
