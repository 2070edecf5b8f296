//! Session rows, one per login. Users can see and revoke their sessions on the account page.

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::client::serialize_device;
use super::{Accounts, Error, users};
use crate::db::DbConnection;
use crate::schema::sessions;
use crate::trace;

/// A session, as the account page shows it.
#[derive(Debug, Queryable, Serialize)]
pub struct Session {
    id: i64,
    #[serde(rename = "device", serialize_with = "serialize_device")]
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

/// The maximum number of sessions that a login ends, so that the login does not take long.
const MAX_ENDED_BY_LOGIN: i64 = 500;

/// The maximum number of sessions on the account page.
const MAX_LISTED: i64 = 50;

impl Accounts {
    /// The maximum number of sessions of a user. Beyond it, a new session ends the oldest.
    pub const MAX_SESSIONS_PER_USER: i64 = 100;

    /// Returns the idle timeout of sessions that are not remembered, in seconds.
    pub fn idle_timeout(&self) -> i64 {
        self.idle_timeout
    }

    /// Lists a user's sessions: first the session that `token` belongs to, then the most recently seen.
    /// Returns at most 50 sessions, and the number of all sessions.
    pub async fn sessions(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<(Vec<Session>, i64), Error> {
        let current = token.map(|token| hash_token(&token)).unwrap_or_default();
        let active = sessions::user_id.eq(user_id).and(sessions::expires_at.ge(self.clock.now()));
        let list = self.db.run(move |connection| {
            let active = sessions::table.filter(active);
            let is_current = sessions::token_hash.eq(current);
            let listed = active
                .order((
                    is_current.clone().desc(),
                    sessions::last_seen_at.desc(),
                    sessions::id.desc(),
                ))
                .limit(MAX_LISTED)
                .select((
                    sessions::id,
                    sessions::user_agent,
                    sessions::remembered,
                    sessions::created_at,
                    sessions::last_seen_at,
                    is_current,
                ))
                .load(connection)?;
            Ok((listed, active.count().get_result(connection)?))
        });
        Ok(list.await?)
    }

    /// Revokes a user's session. Returns whether the user had a session with this id.
    pub async fn revoke_session(&self, user_id: i64, id: i64) -> Result<bool, Error> {
        let session = sessions::id.eq(id).and(sessions::user_id.eq(user_id));
        let revoke = diesel::delete(sessions::table.filter(session));
        let count = self.db.run(move |connection| revoke.execute(connection)).await?;
        trace::step("Session", if count > 0 { "row deleted" } else { "no row to delete" });
        Ok(count > 0)
    }

    /// Revokes all sessions of a user except the one with `token`. Returns how many of them had not
    /// expired.
    pub async fn revoke_other_sessions(&self, user_id: i64, token: &str) -> Result<usize, Error> {
        let (current, now) = (hash_token(token), self.clock.now());
        let revoke = self.db.transaction(move |connection| {
            users::lock(connection, user_id)?;
            let expired = sessions::user_id.eq(user_id).and(sessions::expires_at.lt(now));
            diesel::delete(sessions::table.filter(expired)).execute(connection)?;
            revoke_others(connection, user_id, &current)
        });
        Ok(revoke.await?)
    }

    /// Revokes all sessions of a user. Returns how many.
    pub async fn revoke_all_sessions(&self, user_id: i64) -> Result<usize, Error> {
        Ok(self.db.transaction(move |connection| revoke_all(connection, user_id)).await?)
    }
}

/// Inserts a session, and ends the user's oldest sessions if there are too many.
pub(super) fn insert(
    connection: &mut DbConnection,
    user_id: i64,
    row: SessionRow,
) -> QueryResult<usize> {
    let row = (sessions::user_id.eq(user_id), row);
    diesel::insert_into(sessions::table).values(row).execute(connection)?;
    trace::step("Session", "row inserted");
    let same_user = diesel::alias!(sessions as same_user);
    let excess = same_user
        .filter(same_user.field(sessions::user_id).eq(user_id))
        .order(same_user.field(sessions::id).desc())
        .offset(Accounts::MAX_SESSIONS_PER_USER)
        .limit(MAX_ENDED_BY_LOGIN)
        .select(same_user.field(sessions::id));
    diesel::delete(sessions::table.filter(sessions::id.eq_any(excess))).execute(connection)
}

/// Replaces the token hash of a session, and its `User-Agent` if that is not `None`.
pub(super) fn renew(
    connection: &mut DbConnection,
    old: &[u8],
    new: &[u8],
    user_agent: Option<&str>,
) -> QueryResult<usize> {
    diesel::update(sessions::table.filter(sessions::token_hash.eq(old)))
        .set((
            sessions::token_hash.eq(new),
            sessions::previous_token_hash.eq(old),
            user_agent.map(|user_agent| sessions::user_agent.eq(user_agent)),
        ))
        .execute(connection)
}

/// Deletes the session with this token hash, or with this previous token hash.
pub(super) fn end(connection: &mut DbConnection, hash: &[u8]) -> QueryResult<usize> {
    let session = sessions::token_hash.eq(hash).or(sessions::previous_token_hash.eq(hash));
    let count = diesel::delete(sessions::table.filter(session)).execute(connection)?;
    trace::step("Session", if count > 0 { "row deleted" } else { "no row to delete" });
    Ok(count)
}

/// Revokes the user's other sessions. Locks the user first, so that two such transactions can't
/// deadlock.
pub(super) fn revoke_others(
    connection: &mut DbConnection,
    user_id: i64,
    current: &[u8],
) -> QueryResult<usize> {
    users::lock(connection, user_id)?;
    let others = sessions::user_id.eq(user_id).and(sessions::token_hash.ne(current));
    let count = diesel::delete(sessions::table.filter(others)).execute(connection)?;
    trace::step("Other sessions", if count > 0 { "rows deleted" } else { "no rows to delete" });
    Ok(count)
}

pub(super) fn revoke_all(connection: &mut DbConnection, user_id: i64) -> QueryResult<usize> {
    users::lock(connection, user_id)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id))).execute(connection)
}

/// Generates a token: 256 random bits from the operating system, in hexadecimal.
pub(super) fn new_token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| Error::Failed(cause.to_string()))?;
    Ok(to_hex(&bytes))
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes a token. Random tokens do not need a salt.
pub(super) fn hash_token(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
