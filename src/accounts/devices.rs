//! A user's sessions on all their devices: listed, revoked and purged.

use diesel::prelude::*;
use serde::{Serialize, Serializer};

use super::{Accounts, Error, sessions::hash};
use crate::db::DbConnection;
use crate::schema::sessions;

/// A session, as the account page shows it.
#[derive(Debug, Queryable, Serialize)]
pub struct Session {
    id: i64,
    #[serde(rename = "device", serialize_with = "device")]
    user_agent: String,
    remembered: bool,
    /// A Unix timestamp in seconds, like the next.
    created_at: i64,
    last_seen_at: i64,
    is_current: bool,
}

impl Accounts {
    /// Lists a user's sessions, latest visit first. The one with `token` is the current one.
    pub async fn sessions(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<Vec<Session>, Error> {
        let (current, now) = (token.map(|token| hash(&token)), self.clock.now());
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

    /// Revokes one session of a user, and returns whether there was one with this id.
    pub async fn revoke_session(&self, user_id: i64, id: i64) -> Result<bool, Error> {
        let this = sessions::table.filter(sessions::user_id.eq(user_id).and(sessions::id.eq(id)));
        Ok(self.db.run(move |connection| diesel::delete(this).execute(connection)).await? > 0)
    }

    /// Revokes all sessions of a user but the one with `token`, and returns how many.
    pub async fn revoke_other_sessions(&self, user_id: i64, token: &str) -> Result<usize, Error> {
        let current = hash(token);
        Ok(self.db.run(move |connection| revoke_others(connection, user_id, &current)).await?)
    }

    /// Revokes all sessions of a user, and returns how many.
    pub async fn revoke_all_sessions(&self, user_id: i64) -> Result<usize, Error> {
        Ok(self.db.run(move |connection| revoke_all(connection, user_id)).await?)
    }

    /// Deletes the rows of expired sessions, as each login does, and returns how many.
    pub async fn purge_sessions(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        Ok(self.db.run(move |connection| delete_expired(connection, now)).await?)
    }
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

pub(super) fn delete_expired(connection: &mut DbConnection, now: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(now))).execute(connection)
}

/// Serializes a `User-Agent` as the browser and the system that it names, in words.
fn device<S: Serializer>(user_agent: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let parsed = woothee::parser::Parser::new().parse(user_agent).unwrap_or_default();
    let is_known = |word: &&str| !matches!(*word, "UNKNOWN" | "");
    let browser = Some(parsed.name).filter(is_known);
    match (browser, Some(parsed.os).filter(is_known)) {
        (Some(browser), Some(os)) => serializer.collect_str(&format_args!("{browser} on {os}")),
        (browser, _) => serializer.serialize_str(browser.unwrap_or("Unknown device")),
    }
}
