use std::collections::BTreeMap;

use rocket::Request;
use rocket::http::Status;
use rocket::response::{self, Responder};
use rocket::serde::json::{Value, to_value};
use rocket_dyn_templates::Template;
use rocket_login::current_user;
use serde::Serialize;

use crate::users::User;

/// A page from a template. The template also gets `current_user`.
#[derive(Debug)]
pub struct Page {
    template: &'static str,
    status: Status,
    values: BTreeMap<&'static str, Value>,
}

impl Page {
    pub fn new(template: &'static str) -> Page {
        Page { template, status: Status::Ok, values: BTreeMap::new() }
    }

    /// Adds a value for the template.
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Page {
        self.values.insert(name, to_value(&value).unwrap_or_default());
        self
    }

    pub fn status(self, status: Status) -> Page {
        Page { status, ..self }
    }
}

impl<'r> Responder<'r, 'static> for Page {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let user = current_user::<User>(request).map_err(|error| error.status())?;
        let Page { template, status, values } = self.with("current_user", user.as_deref());
        (status, Template::render(template, values)).respond_to(request)
    }
}
