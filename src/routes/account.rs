//! What a user can see of their account.

use rocket::get;

use crate::login::RequiredUser;
use crate::page::Page;
use crate::users::User;

#[get("/account")]
pub fn account(_user: RequiredUser<User>) -> Page {
    Page::new("account")
}
