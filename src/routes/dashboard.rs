//! The protected page.

use rocket::response::Redirect;
use rocket::{get, uri};
use rocket_login::Next;

use crate::error::Error;
use crate::guards::{Login, RequiredUser};
use crate::page::Page;

#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser, login: Login<'_>) -> Page {
    Page::new("dashboard")
        .with("fresh_until", login.fresh_until().filter(|_| login.is_fresh()))
        .with("expires", login.expires_at())
        .with("remembered", login.is_remembered())
}

/// To `next` if somebody wanted to go there, else to the dashboard.
pub fn or(next: Option<Next>) -> Redirect {
    next.map_or_else(|| Redirect::to(uri!(dashboard)), Redirect::from)
}

/// In place of a page for strangers, when the visitor is signed in.
pub fn instead() -> Error {
    Redirect::to(uri!(dashboard)).into()
}
