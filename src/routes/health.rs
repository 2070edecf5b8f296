//! The health check, for monitoring.

use rocket::{Route, State, get, routes};

use crate::accounts::Accounts;
use crate::web::error::Error;

pub fn routes() -> Vec<Route> {
    routes![health]
}

#[get("/healthz")]
async fn health(accounts: &State<Accounts>) -> Result<&'static str, Error> {
    accounts.ping().await?;
    Ok("ok")
}
