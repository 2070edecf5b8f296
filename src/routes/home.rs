//! The public home page.

use rocket::{Route, get, routes};

use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![home]
}

#[get("/")]
pub fn home() -> Page {
    Page::new("home")
}
