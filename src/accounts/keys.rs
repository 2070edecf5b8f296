//! The check that instances accept each other's secret keys. PostgreSQL only, because with SQLite, there is only one
//! instance.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use rocket::tokio::{spawn, time::sleep};
use rocket_login::Clock;
use sha2::{Digest, Sha256};

use super::Accounts;
use crate::db::{Db, Error};

/// The time between two checks.
const INTERVAL: Duration = Duration::from_secs(60);

const RECORD: &str = "INSERT INTO key_fingerprints (fingerprint, last_used_at) VALUES ($1, $2)
    ON CONFLICT (fingerprint) DO UPDATE SET last_used_at = $2";

const WARNING: &str = "Another instance uses a different secret key, which is not one of this instance's \
    previous_secret_keys. Users who log in there are anonymous here.";

diesel::table! {
    key_fingerprints (fingerprint) {
        fingerprint -> Binary,
        last_used_at -> BigInt,
    }
}

impl Accounts {
    /// Logs an error every minute if another instance uses a key that is not in `keys`. The first key is the current
    /// one.
    pub fn watch_keys(&self, keys: &[Vec<u8>]) {
        if !self.db.is_postgres() {
            return;
        }
        let fingerprints: Vec<_> = keys.iter().map(|key| fingerprint(key)).collect();
        let (db, clock) = (self.db.clone(), self.clock.clone());
        spawn(async move {
            let started = clock.now();
            loop {
                match other_keys(&db, &clock, started, fingerprints.clone()).await {
                    Ok(0) => {}
                    Ok(_) => rocket::error!("{WARNING}"),
                    Err(cause) => rocket::warn!("The secret keys were not compared: {cause}"),
                }
                sleep(INTERVAL).await;
            }
        });
    }
}

/// Returns a hash, which does not reveal the key.
fn fingerprint(key: &[u8]) -> Vec<u8> {
    let digest = Sha256::new().chain_update("fingerprint of a secret key").chain_update(key);
    digest.finalize()[..8].to_vec()
}

/// Records the use of the first key. Returns the number of other keys that were used recently. A use before the start
/// of this instance does not count, because the instance that used the key might have stopped.
async fn other_keys(
    db: &Db,
    clock: &Clock,
    started: i64,
    fingerprints: Vec<Vec<u8>>,
) -> Result<i64, Error> {
    let now = clock.now();
    let recent = started.max(now - 2 * INTERVAL.as_secs() as i64);
    db.run(move |connection| {
        diesel::sql_query(RECORD)
            .bind::<Binary, _>(&fingerprints[0])
            .bind::<BigInt, _>(now)
            .execute(connection)?;
        key_fingerprints::table
            .filter(key_fingerprints::fingerprint.ne_all(&fingerprints))
            .filter(key_fingerprints::last_used_at.gt(recent))
            .count()
            .get_result(connection)
    })
    .await
}
