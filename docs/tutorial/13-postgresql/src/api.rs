use rocket::get;
use rocket::serde::json::{Value, json};

use crate::guards::RequiredUser;

#[get("/api/me")]
pub fn me(user: RequiredUser) -> Value {
    json!({ "id": user.id, "username": user.username })
}
