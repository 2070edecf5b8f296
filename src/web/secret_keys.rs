//! The previous secret keys, and the check that instances accept each other's keys.

use rocket::fairing::{AdHoc, Fairing};
use rocket_login::PreviousSecretKeys;

use crate::accounts::Accounts;

/// Returns a fairing that compares the keys with those of other instances while the app runs. The first key is the
/// current one.
pub fn fairing(keys: &[Vec<u8>]) -> impl Fairing {
    let keys = keys.to_vec();
    AdHoc::on_liftoff("Secret keys", move |rocket| {
        Box::pin(async move {
            if let Some(accounts) = rocket.state::<Accounts>() {
                accounts.watch_keys(&keys);
            }
        })
    })
}

/// Returns all keys but the current one. None is too short, because the settings were checked.
pub fn previous(keys: &[Vec<u8>]) -> PreviousSecretKeys {
    PreviousSecretKeys::new(keys.iter().skip(1)).unwrap_or_default()
}
