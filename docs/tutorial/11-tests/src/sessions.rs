use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::db::Db;
use crate::error::Error;
use crate::schema::sessions;

#[derive(Queryable, Serialize)]
pub struct Session {
    pub id: i32,
    pub user_agent: String,
    pub created_at: i64,
    pub is_current: bool,
}

pub fn new_token() -> Result<String, Error> {
    Ok(format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
}

pub fn hash_token(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Returns a user's newest sessions, at most 50. `token` is the token of the current session.
pub async fn list(db: &Db, user_id: i32, token: &str, now: i64) -> Result<Vec<Session>, Error> {
    let is_current = sessions::token_hash.eq(hash_token(token));
    db.run(move |connection| {
        sessions::table
            .filter(sessions::user_id.eq(user_id))
            .filter(sessions::expires_at.gt(now))
            .order(sessions::id.desc())
            .limit(50)
            .select((sessions::id, sessions::user_agent, sessions::created_at, is_current))
            .load(connection)
    })
    .await
}

/// Ends a session of this user. Returns `false` if the user has no such session.
pub async fn revoke(db: &Db, id: i32, user_id: i32) -> Result<bool, Error> {
    let own = sessions::user_id.eq(user_id);
    let session = sessions::table.filter(sessions::id.eq(id)).filter(own);
    let ended = db.run(move |connection| diesel::delete(session).execute(connection)).await?;
    Ok(ended > 0)
}
