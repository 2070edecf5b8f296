//! The dashboard: a protected page, and where a login leads.

use rocket::response::Redirect;
use rocket::{Route, get, routes, uri};
use rocket_login::Next;

use crate::web::error::Error;
use crate::web::guards::{Login, RequiredUser};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![dashboard]
}

#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser, login: Login<'_>) -> Page {
    Page::new("dashboard")
        .with("fresh_until", login.fresh_until().filter(|_| login.is_fresh()))
        .with("expires", login.expires_at())
        .with("remembered", login.is_remembered())
}

/// Redirects to `next`, the page that asked for the login, or to the dashboard.
pub fn after_login(next: Option<Next>) -> Redirect {
    next.map_or_else(|| Redirect::to(uri!(dashboard)), Redirect::from)
}

/// Redirects a user who opens the login page, or registers, while logged in.
pub fn already_logged_in() -> Error {
    Redirect::to(uri!(dashboard)).into()
}
