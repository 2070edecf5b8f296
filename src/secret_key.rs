//! The secret key, which encrypts the cookies, and previous keys.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use rocket::Config;
use rocket::figment::Figment;
use rocket::figment::value::Value;

use crate::private_files::{self, unusable};

const NO_KEY: &str = "ROCKET_SECRET_KEY is not set: generate a key with `openssl rand -base64 32` \
                      and put it into the environment or the file .env";

/// Returns the secret key. A debug run without a key generates a key and stores it in the
/// data directory, so that sessions survive a restart.
///
/// The key is decoded here, because Rocket prints invalid keys and accepts only two key lengths.
///
/// # Errors
///
/// Returns an error if the key is missing or invalid, or if its file can't be used.
pub fn read(
    figment: &Figment,
    create_data_dir: impl FnOnce(&Figment) -> Result<PathBuf, String>,
) -> Result<Vec<u8>, String> {
    let value = figment.find_value("secret_key").ok();
    // Rocket's default key is not a string.
    let key = value.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
    if !key.is_empty() {
        decode(key)
            .ok_or_else(|| "ROCKET_SECRET_KEY must be 256 random bits or more in base64".into())
    } else if figment.profile() == Config::DEBUG_PROFILE {
        load_or_create(&create_data_dir(figment)?.join("secret_key"))
    } else {
        Err(NO_KEY.into())
    }
}

/// Returns the previous keys, whose cookies are still accepted.
///
/// # Errors
///
/// Returns an error if a key is invalid. The error does not contain the key.
pub fn read_previous(figment: &Figment) -> Result<Vec<Vec<u8>>, String> {
    let keys = match figment.find_value("previous_secret_keys") {
        Ok(Value::Array(_, keys)) => keys,
        // A single key, or an empty line in an environment file.
        Ok(value) => Vec::from_iter(Some(value).filter(|value| value.as_str() != Some(""))),
        Err(_) => Vec::new(),
    };
    let decoded: Option<_> = keys.iter().map(|key| decode(key.as_str()?)).collect();
    decoded.ok_or_else(|| {
        "ROCKET_PREVIOUS_SECRET_KEYS must be a list of keys, each of 256 random bits or more in base64".into()
    })
}

fn load_or_create(path: &Path) -> Result<Vec<u8>, String> {
    if !path.exists() {
        let key = generate()?;
        let write =
            private_files::create_new(path).and_then(|mut file| file.write_all(key.as_bytes()));
        write.map_err(|cause| unusable(path, &cause))?;
    }
    let text = fs::read_to_string(path).map_err(|cause| unusable(path, &cause))?;
    decode(text.trim()).ok_or_else(|| unusable(path, &"it does not contain a key. Delete it"))
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    let key = BASE64_STANDARD.decode(base64).ok()?;
    (key.len() >= 32 && key.iter().any(|byte| *byte != 0)).then_some(key)
}

/// Generates a secret key: 256 random bits in base64.
///
/// # Errors
///
/// Returns an error if the operating system can't supply random bytes.
pub fn generate() -> Result<String, String> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|cause| cause.to_string())?;
    Ok(BASE64_STANDARD.encode(key))
}
