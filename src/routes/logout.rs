//! Logging out.

use rocket::response::{Flash, Redirect};
use rocket::{get, post, uri};

use super::home;
use crate::error::Error;
use crate::guards::Login;
use crate::page::Page;

/// Only asks: an image on another site can send a visitor here.
#[get("/logout")]
pub fn logout_form() -> Page {
    Page::new("logout")
}

#[post("/logout")]
pub async fn log_out(login: Login<'_>) -> Result<Flash<Redirect>, Error> {
    login.log_out().await?;
    Ok(Flash::new(Redirect::to(uri!(home::home)), "info", "You have been logged out."))
}
