//! Answers to those who are refused: a redirect for people, JSON for programs.

use rocket::Request;
use rocket::http::{ContentType, SameSite, Status};
use rocket::response::{self, Flash, Redirect, Responder};
use rocket::serde::json::json;

use super::next::Next;

/// Why a guard refused. A handler that wants to know takes `Result<FreshUser<U>, Refusal>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody is signed in.
    Unauthorized,
    /// Somebody is, but their password was typed too long ago or in another browser.
    NeedsRefresh,
    /// The store did not say who is asking.
    Unavailable,
}

impl Refusal {
    pub(super) fn status(self) -> Status {
        match self {
            Refusal::Unauthorized | Refusal::NeedsRefresh => Status::Unauthorized,
            Refusal::Unavailable => Status::ServiceUnavailable,
        }
    }
}

/// Whether the request is a program's, which a page or a redirect would not help.
pub fn expects_json(request: &Request<'_>) -> bool {
    request.content_type().is_some_and(|content| content.is_json())
        || request.accept().is_some_and(|accept| accept.preferred().is_json())
}

/// The answer to one kind of refusal.
pub(super) struct Refused {
    pub view: Option<&'static str>,
    /// Category and message.
    pub flash: (&'static str, &'static str),
    pub handler: Option<Handler>,
}

type Handler = Box<dyn Fn(&Request<'_>) -> response::Result<'static> + Send + Sync>;

impl Refused {
    pub fn new(message: &'static str) -> Refused {
        Refused { view: None, flash: ("message", message), handler: None }
    }

    pub fn answer(&self, error: &str, request: &Request<'_>) -> response::Result<'static> {
        if let Some(handler) = &self.handler {
            return handler(request);
        }
        if expects_json(request) {
            let body = json!({ "error": error });
            return (Status::Unauthorized, (ContentType::JSON, body.to_string()))
                .respond_to(request);
        }
        let Some(view) = self.view else {
            return (Status::Unauthorized, self.flash.1).respond_to(request);
        };
        let target = match Next::after(request) {
            Some(next) => next.appended_to(view),
            None => view.to_owned(),
        };
        let (category, message) = self.flash;
        let answer = Flash::new(Redirect::to(target), category, message).respond_to(request);
        // Rocket's is `Strict`: whoever follows a link on another site would not be told why to log in.
        if let Some(mut flash) = request.cookies().get_pending("_flash") {
            flash.set_same_site(SameSite::Lax);
            request.cookies().add(flash);
        }
        answer
    }
}
