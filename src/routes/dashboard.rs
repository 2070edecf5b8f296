//! The dashboard, a protected page.

use rocket::{Route, get, routes};

use crate::web::guards::{Login, RequiredUser};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![dashboard]
}

/// `RequiredUser` protects the page, although the handler does not use its value.
#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser, login: Login<'_>) -> Page {
    Page::new("dashboard")
        .with("fresh_until", login.fresh_until().filter(|_| login.is_fresh()))
        .with("expires", login.expires_at())
        .with("idle_timeout", login.store().idle_timeout())
        .with("remembered", login.is_remembered())
}
