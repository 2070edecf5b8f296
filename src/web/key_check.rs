//! The check that all instances use the same secret key.

use rocket::fairing::{AdHoc, Fairing};

use crate::accounts::Accounts;

/// Returns a fairing that compares the keys while the app runs. The first fingerprint is that of the current key.
pub fn fairing(fingerprints: Vec<Vec<u8>>) -> impl Fairing {
    AdHoc::on_liftoff("Key check", |rocket| {
        Box::pin(async move {
            if let Some(accounts) = rocket.state::<Accounts>() {
                accounts.watch_keys(fingerprints);
            }
        })
    })
}
