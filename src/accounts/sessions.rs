//! Session rows, one per login. Users can see and revoke their sessions on the account page.

use diesel::prelude::*;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::{Accounts, Error};
use crate::db::DbConnection;
use crate::schema::sessions;

/// A session, as the account page shows it.
#[derive(Debug, Queryable, Serialize)]
pub struct Session {
    id: i64,
    #[serde(rename = "device", serialize_with = "device")]
    user_agent: String,
    remembered: bool,
    /// A Unix timestamp in seconds, like `last_seen_at`.
    created_at: i64,
    last_seen_at: i64,
    is_current: bool,
}

/// A session to insert.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub(super) struct SessionRow {
    pub token_hash: Vec<u8>,
    pub user_agent: String,
    pub remembered: bool,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub expires_at: i64,
    pub absolute_expires_at: i64,
}

impl Accounts {
    /// Lists a user's sessions, most recently seen first. The session that `token` belongs to is marked
    /// as current.
    pub async fn sessions(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<Vec<Session>, Error> {
        let (current, now) = (token.map(|token| hash_token(&token)), self.clock.now());
        let list = self.db.run(move |connection| {
            sessions::table
                .filter(sessions::user_id.eq(user_id).and(sessions::expires_at.ge(now)))
                .order((sessions::last_seen_at.desc(), sessions::id.desc()))
                .select((
                    sessions::id,
                    sessions::user_agent,
                    sessions::remembered,
                    sessions::created_at,
                    sessions::last_seen_at,
                    sessions::token_hash.eq(current.unwrap_or_default()),
                ))
                .load(connection)
        });
        Ok(list.await?)
    }

    /// Revokes a user's session. Returns whether the user had a session with this id.
    pub async fn revoke_session(&self, user_id: i64, id: i64) -> Result<bool, Error> {
        let session = sessions::id.eq(id).and(sessions::user_id.eq(user_id));
        let revoke = diesel::delete(sessions::table.filter(session));
        Ok(self.db.run(move |connection| revoke.execute(connection)).await? > 0)
    }

    /// Revokes all sessions of a user except the one with `token`. Returns how many.
    pub async fn revoke_other_sessions(&self, user_id: i64, token: &str) -> Result<usize, Error> {
        let current = hash_token(token);
        Ok(self.db.run(move |connection| revoke_others(connection, user_id, &current)).await?)
    }

    /// Revokes all sessions of a user. Returns how many.
    pub async fn revoke_all_sessions(&self, user_id: i64) -> Result<usize, Error> {
        Ok(self.db.run(move |connection| revoke_all(connection, user_id)).await?)
    }

    /// Deletes all expired sessions of all users. Returns how many.
    pub async fn purge_sessions(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        Ok(self.db.run(move |connection| delete_expired(connection, now)).await?)
    }
}

/// Inserts a session and deletes all expired sessions.
pub(super) fn insert(
    connection: &mut DbConnection,
    user_id: i64,
    row: SessionRow,
) -> QueryResult<usize> {
    delete_expired(connection, row.created_at)?;
    let row = (sessions::user_id.eq(user_id), row);
    diesel::insert_into(sessions::table).values(row).execute(connection)
}

/// Replaces the token hash of a session.
pub(super) fn renew(connection: &mut DbConnection, old: &[u8], new: &[u8]) -> QueryResult<usize> {
    diesel::update(sessions::table.filter(sessions::token_hash.eq(old)))
        .set(sessions::token_hash.eq(new))
        .execute(connection)
}

pub(super) fn revoke_others(
    connection: &mut DbConnection,
    user_id: i64,
    current: &[u8],
) -> QueryResult<usize> {
    let others = sessions::user_id.eq(user_id).and(sessions::token_hash.ne(current));
    diesel::delete(sessions::table.filter(others)).execute(connection)
}

pub(super) fn revoke_all(connection: &mut DbConnection, user_id: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(connection)
}

fn delete_expired(connection: &mut DbConnection, now: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(now))).execute(connection)
}

/// Generates a token: 256 random bits from the operating system, in hexadecimal.
pub(super) fn new_token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| Error::Failed(cause.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Hashes a token. Random tokens do not need a salt.
pub(super) fn hash_token(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Serializes a `User-Agent` as the browser and operating system that it names, such as `Firefox on
/// Linux`.
fn device<S: Serializer>(user_agent: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let parsed = woothee::parser::Parser::new().parse(user_agent).unwrap_or_default();
    let is_known = |word: &&str| !matches!(*word, "UNKNOWN" | "");
    let browser = Some(parsed.name).filter(is_known);
    match (browser, Some(parsed.os).filter(is_known)) {
        (Some(browser), Some(os)) => serializer.collect_str(&format_args!("{browser} on {os}")),
        (browser, _) => serializer.serialize_str(browser.unwrap_or("Unknown device")),
    }
}
