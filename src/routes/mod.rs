//! Routes: one file per page, which reads its form and returns a page or a redirect.
//!
//! This room uses `web` and `accounts`, and no SQL, database or cookie jar.

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

/// All routes. A new page is a file here, named in the list above and in this one.
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
