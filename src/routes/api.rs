//! The JSON API.

use rocket::serde::json::{Value, json};
use rocket::{Route, get, routes};

use crate::web::guards::RequiredUser;

pub fn routes() -> Vec<Route> {
    routes![me]
}

#[get("/api/me")]
fn me(user: RequiredUser) -> Value {
    json!({ "id": user.id, "username": user.username })
}
