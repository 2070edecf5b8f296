//! What the operator's monitor asks.

use rocket::{State, get};

use crate::db::Db;
use crate::error::Error;
use crate::users;

#[get("/healthz")]
pub async fn health(db: &State<Db>) -> Result<&'static str, Error> {
    users::ping(db).await?;
    Ok("ok")
}
