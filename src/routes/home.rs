//! The public page.

use rocket::get;

use crate::page::Page;

#[get("/")]
pub fn home() -> Page {
    Page::new("home")
}
