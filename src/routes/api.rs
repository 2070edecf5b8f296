//! What programs ask.

use rocket::get;
use rocket::serde::json::{Value, json};

use crate::login::RequiredUser;
use crate::users::User;

#[get("/api/me")]
pub fn me(user: RequiredUser<User>) -> Value {
    json!({ "id": user.id, "username": user.username })
}
