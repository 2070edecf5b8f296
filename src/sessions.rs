//! Sessions: a row for each login, so that the server can end one.

use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::db::{self, Db, DbConnection};
use crate::login::{Clock, NewLogin, Settings};
use crate::schema::{sessions, users};
use crate::users::User;

/// How often a busy session's last visit is written down, in seconds.
const TOUCH_EVERY: i64 = 60;

/// The sessions of all users.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
    clock: Clock,
    idle_timeout: i64,
}

impl Sessions {
    pub fn new(db: Db, clock: Clock, settings: &Settings) -> Sessions {
        Sessions { db, clock, idle_timeout: settings.idle_timeout.get().into() }
    }

    /// The user whose session has this token, unless it has ended. Notes the visit.
    ///
    /// # Errors
    ///
    /// The database's own, like all of these.
    pub async fn user_of(&self, token: &str) -> Result<Option<User>, db::Error> {
        let (now, token_hash) = (self.clock.now(), hash(token));
        let this = token_hash.clone();
        let found: Option<(User, Visit)> = self
            .db
            .read(move |connection| {
                sessions::table
                    .inner_join(users::table)
                    .filter(sessions::token_hash.eq(&this))
                    .select((User::as_select(), Visit::as_select()))
                    .get_result(connection)
                    .optional()
            })
            .await?;
        // Neither this nor a LIMIT is in the query: SQLite would plan it anew for each value of either,
        // which takes three times as long as the query.
        let alive = found.filter(|(_, visit)| now < visit.expires_at);
        let Some((user, visit)) = alive else { return Ok(None) };
        if !user.is_active {
            // For good, even if somebody activates the user again.
            self.end_others(user.id, None).await?;
        } else if now - visit.last_seen_at >= self.touch_every() {
            let this = sessions::table.filter(sessions::token_hash.eq(token_hash));
            let expires_at = self.expiry(now, visit.remembered, visit.ends_at);
            let seen = (sessions::last_seen_at.eq(now), sessions::expires_at.eq(expires_at));
            self.db
                .run(move |connection| diesel::update(this).set(seen).execute(connection))
                .await?;
        }
        Ok(Some(user))
    }

    /// Begins a session and returns its token, which is kept nowhere. Also clears away those of
    /// everybody that have expired.
    pub async fn begin(&self, user_id: i64, login: &NewLogin<'_>) -> Result<String, db::Error> {
        let now = self.clock.now();
        let token = new_token()?;
        let row = (
            sessions::user_id.eq(user_id),
            sessions::token_hash.eq(hash(&token)),
            sessions::user_agent.eq(login.user_agent.to_owned()),
            sessions::remembered.eq(login.remembered),
            sessions::begun_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(self.expiry(now, login.remembered, login.expires)),
            sessions::ends_at.eq(login.expires),
        );
        self.db
            .run(move |connection| {
                connection.transaction(|connection| {
                    let expired = sessions::table.filter(sessions::expires_at.le(now));
                    diesel::delete(expired).execute(connection)?;
                    diesel::insert_into(sessions::table).values(row).execute(connection)
                })
            })
            .await?;
        Ok(token)
    }

    /// Puts a new token in place of `token`, for the rest of the same session.
    pub async fn renew(&self, token: &str) -> Result<String, db::Error> {
        let (old, new) = (hash(token), new_token()?);
        let new_hash = hash(&new);
        self.db.run(move |connection| put_in_place(connection, &old, new_hash)).await?;
        Ok(new)
    }

    /// Ends the session of that token.
    pub async fn end(&self, token: &str) -> Result<(), db::Error> {
        let this = sessions::table.filter(sessions::token_hash.eq(hash(token)));
        self.db.run(move |connection| diesel::delete(this).execute(connection).map(drop)).await
    }

    /// All of a user's sessions, the latest seen first. `token` tells which is this one.
    pub async fn of_user(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<Vec<Session>, db::Error> {
        let (this, now) = (hash(&token.unwrap_or_default()), self.clock.now());
        let rows: Vec<Row> = self
            .db
            .run(move |connection| {
                sessions::table
                    .filter(sessions::user_id.eq(user_id).and(sessions::expires_at.gt(now)))
                    .order((sessions::last_seen_at.desc(), sessions::id.desc()))
                    .select(Row::as_select())
                    .load(connection)
            })
            .await?;
        Ok(rows.into_iter().map(|row| row.into_session(&this)).collect())
    }

    /// Ends the session with that id, if it is the user's, and says how many that were.
    pub async fn end_one(&self, user_id: i64, id: i64) -> Result<usize, db::Error> {
        let this = sessions::table.filter(sessions::user_id.eq(user_id).and(sessions::id.eq(id)));
        self.db.run(move |connection| diesel::delete(this).execute(connection)).await
    }

    /// Ends all sessions of a user but the one of `token`, and says how many.
    pub async fn end_others(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<usize, db::Error> {
        let this = hash(&token.unwrap_or_default());
        self.db.run(move |connection| delete_others(connection, user_id, &this)).await
    }

    /// Sets a new hash of a password, ends all sessions of its user but the one of `token`, and
    /// returns the token under which that one goes on: all of it, or nothing.
    pub async fn change_password(
        &self,
        user_id: i64,
        password_hash: String,
        token: Option<String>,
    ) -> Result<String, db::Error> {
        let (this, new) = (hash(&token.unwrap_or_default()), new_token()?);
        let new_hash = hash(&new);
        self.db
            .run(move |connection| {
                connection.transaction(|connection| {
                    diesel::update(users::table.find(user_id))
                        .set(users::password_hash.eq(password_hash))
                        .execute(connection)?;
                    delete_others(connection, user_id, &this)?;
                    put_in_place(connection, &this, new_hash)
                })
            })
            .await?;
        Ok(new)
    }

    /// When a session ends whose user is not seen again after `now`.
    fn expiry(&self, now: i64, remembered: bool, ends_at: i64) -> i64 {
        if remembered { ends_at } else { ends_at.min(now + self.idle_timeout) }
    }

    /// A minute, but not where that would be a large part of the idle timeout.
    fn touch_every(&self) -> i64 {
        TOUCH_EVERY.min(self.idle_timeout / 10)
    }
}

/// A session, as its user sees it.
#[derive(Debug, Serialize)]
pub struct Session {
    id: i64,
    /// The browser and the system, in words.
    device: String,
    remembered: bool,
    /// In seconds since 1970 UTC, like the next.
    begun_at: i64,
    last_seen_at: i64,
    is_this: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: i64,
    token_hash: Vec<u8>,
    user_agent: String,
    remembered: bool,
    begun_at: i64,
    last_seen_at: i64,
}

impl Row {
    fn into_session(self, this: &[u8]) -> Session {
        Session {
            id: self.id,
            device: device(&self.user_agent),
            remembered: self.remembered,
            begun_at: self.begun_at,
            last_seen_at: self.last_seen_at,
            is_this: self.token_hash == this,
        }
    }
}

/// A `User-Agent` in words, as far as it can be told.
fn device(user_agent: &str) -> String {
    let parsed = woothee::parser::Parser::new().parse(user_agent).unwrap_or_default();
    let is_known = |word: &&str| !matches!(*word, "UNKNOWN" | "");
    match (Some(parsed.name).filter(is_known), Some(parsed.os).filter(is_known)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => "Unknown device".to_owned(),
    }
}

fn delete_others(connection: &mut DbConnection, user_id: i64, this: &[u8]) -> QueryResult<usize> {
    let others = sessions::user_id.eq(user_id).and(sessions::token_hash.ne(this));
    diesel::delete(sessions::table.filter(others)).execute(connection)
}

fn put_in_place(connection: &mut DbConnection, old: &[u8], new: Vec<u8>) -> QueryResult<usize> {
    diesel::update(sessions::table.filter(sessions::token_hash.eq(old)))
        .set(sessions::token_hash.eq(new))
        .execute(connection)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Visit {
    remembered: bool,
    last_seen_at: i64,
    expires_at: i64,
    ends_at: i64,
}

/// 256 bits from the operating system, in hexadecimal.
fn new_token() -> Result<String, db::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(db::Error::because)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the database keeps of a token. It is random enough to need no salt.
fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
