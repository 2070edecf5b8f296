//! The dashboard, a protected page.

use rocket::{Route, State, get, routes};

use crate::accounts::Accounts;
use crate::web::guards::{Login, RequiredUser};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![dashboard]
}

/// `RequiredUser` protects the page, although the handler does not use its value.
#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser, login: Login<'_>, accounts: &State<Accounts>) -> Page {
    Page::new("dashboard")
        .with("fresh_until", login.fresh_until().filter(|_| login.is_fresh()))
        .with("expires", login.expires_at())
        .with("idle_timeout", accounts.idle_timeout())
        .with("remembered", login.is_remembered())
}
