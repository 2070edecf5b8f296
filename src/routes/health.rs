//! The health checks, for monitoring and for load balancers.

use rocket::{Route, State, get, routes};

use crate::accounts::Accounts;
use crate::web::error::Error;

pub fn routes() -> Vec<Route> {
    routes![ready, alive]
}

/// Whether the app can serve users. If it can't, a load balancer sends requests elsewhere.
#[get("/healthz")]
async fn ready(accounts: &State<Accounts>) -> Result<&'static str, Error> {
    accounts.check_database().await?;
    Ok("ok")
}

/// Whether the process responds. If it does not, only a restart helps.
#[get("/healthz/live")]
fn alive() -> &'static str {
    "alive"
}
