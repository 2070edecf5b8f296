//! The pages: one file each, whose handlers read a form and return a page or a redirect.
//!
//! These modules use `web` and `accounts`, and no SQL or cookie jar.

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

/// Returns all routes. For a new page, add its file here, its name to the list above and to this list,
/// and its template to `templates/`.
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
