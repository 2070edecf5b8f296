//! The protected page.

use rocket::get;

use crate::login::{Login, RequiredUser};
use crate::page::Page;
use crate::users::User;

#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser<User>, login: Login<'_, User>) -> Page {
    Page::new("dashboard")
        .with("fresh_until", &login.fresh_until())
        .with("expires", &login.expires())
        .with("remembered", &login.is_remembered())
}
