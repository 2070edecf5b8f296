//! The pages, one file each. Their handlers read a form and return a page or a redirect.
//!
//! These modules use `web` and `accounts`, but not SQL or the cookie jar.

mod account;
mod api;
mod dashboard;
mod health;
mod home;
mod login;
mod logout;
mod password;
mod reauthenticate;
mod register;

use rocket::Route;

/// Returns all routes. To add a page, add its file to this directory, its name to the two lists here and
/// its template to `templates/`.
pub fn all() -> Vec<Route> {
    [
        account::routes(),
        api::routes(),
        dashboard::routes(),
        health::routes(),
        home::routes(),
        login::routes(),
        logout::routes(),
        password::routes(),
        reauthenticate::routes(),
        register::routes(),
        crate::web::same_origin::routes(),
    ]
    .concat()
}
