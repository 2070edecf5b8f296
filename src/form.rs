//! Forms that answer a visitor who sends too much.

use std::ops::Deref;
use std::time::Duration;

use rocket::Request;
use rocket::data::{Data, FromData, Limits, Outcome, ToByteUnit};
use rocket::form::{self, FromForm};
use rocket::http::Status;
use rocket::tokio::io::sink;
use rocket::tokio::time::timeout;

/// Rocket's form, but a body that is too large is read to its end, if that comes soon: a browser that
/// is cut off while it sends shows an error of its own in place of the answer.
pub struct Form<T>(T);

/// In mebibytes.
const READ_AT_MOST: u64 = 64;

#[rocket::async_trait]
impl<'r, T: FromForm<'r>> FromData<'r> for Form<T> {
    type Error = form::Errors<'r>;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self> {
        let length = request.headers().get_one("Content-Length").and_then(|text| text.parse().ok());
        let limit = request.limits().get("form").unwrap_or(Limits::FORM);
        if length.is_some_and(|length: u64| limit < length) {
            let rest = data.open(READ_AT_MOST.mebibytes()).stream_to(sink());
            let _ = timeout(Duration::from_secs(30), rest).await;
            return Outcome::Error((Status::PayloadTooLarge, form::Errors::new()));
        }
        let form = form::Form::from_data(request, data).await;
        form.map(|form: form::Form<T>| Form(form.into_inner()))
    }
}

impl<T> Deref for Form<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
