use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use rocket::tokio::task::spawn_blocking;

use crate::error::Error;

pub async fn hash(password: String) -> Result<String, Error> {
    spawn_blocking(move || {
        let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes())?;
        Ok(hash.to_string())
    })
    .await?
}

pub async fn verify(password: String, hash: String) -> Result<bool, Error> {
    let check = move || Argon2::default().verify_password(password.as_bytes(), hash.as_str());
    Ok(spawn_blocking(check).await?.is_ok())
}
