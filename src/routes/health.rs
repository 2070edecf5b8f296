//! The health checks, for monitoring and for load balancers.

use rocket::{Route, State, get, routes};

use crate::accounts::Accounts;
use crate::web::error::Error;

pub fn routes() -> Vec<Route> {
    routes![ready, alive]
}

/// Responds with 503 if the app can't serve users, so that a load balancer uses another instance.
#[get("/healthz")]
async fn ready(accounts: &State<Accounts>) -> Result<&'static str, Error> {
    accounts.check_database().await?;
    Ok("ok")
}

/// Responds as long as the process works. If this fails, only a restart helps.
#[get("/healthz/live")]
fn alive() -> &'static str {
    "alive"
}
