//! The logout page.

use rocket::response::{Flash, Redirect};
use rocket::{Route, get, post, routes, uri};

use super::home;
use crate::web::error::Error;
use crate::web::guards::Login;
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![logout_form, log_out]
}

/// Shows a button. Does not log the user out, because otherwise a link on another site could.
#[get("/logout")]
fn logout_form() -> Page {
    Page::new("logout")
}

#[post("/logout")]
async fn log_out(login: Login<'_>) -> Result<Flash<Redirect>, Error> {
    login.log_out().await?;
    Ok(Flash::new(Redirect::to(uri!(home::home)), "info", "You have been logged out."))
}
