use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use rocket::tokio::sync::Semaphore;
use rocket::tokio::task::spawn_blocking;

use crate::error::Error;

/// Limits how many hashes run at once. More than one for each core is not faster.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Limits how many hashes wait or run.
static PLACES: Semaphore = Semaphore::const_new(64);

/// Runs `work` on a blocking thread when it is its turn.
async fn in_turn<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let place = PLACES.try_acquire().map_err(|_| Error::Busy)?;
    let turn = TURNS.acquire().await?;
    let done = spawn_blocking(move || {
        let _permits = (place, turn);
        work()
    });
    Ok(done.await?)
}

pub async fn hash(password: String) -> Result<String, Error> {
    in_turn(move || {
        let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
        Ok(hash.to_string())
    })
    .await?
}

/// The hash for an unknown user. No password has it.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks a password. `hash` is `None` for an unknown user.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, Error> {
    let hash = hash.unwrap_or_else(|| DUMMY_HASH.to_owned());
    in_turn(move || Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok())
        .await
}
