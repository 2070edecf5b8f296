use sha2::{Digest, Sha256};

use crate::error::Error;

pub fn new_token() -> Result<String, Error> {
    Ok(format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
}

pub fn hash_token(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
