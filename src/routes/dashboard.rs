//! The protected page.

use rocket::response::Redirect;
use rocket::{get, uri};

use crate::error::Error;
use crate::login::{Login, Next, RequiredUser};
use crate::page::Page;
use crate::users::User;

#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser<User>, login: Login<'_, User>) -> Page {
    Page::new("dashboard")
        .with("fresh_until", login.fresh_until().filter(|_| login.is_fresh()))
        .with("expires", login.expires())
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
