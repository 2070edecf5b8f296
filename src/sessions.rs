//! Sessions: a row for each login, so that the server can end one, and how a user logs in with it.

use std::num::NonZeroU32;

use diesel::prelude::*;
use rocket_login::{Clock, LoginStore, LoginUser, NewSession};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::db::{self, Db, DbConnection};
use crate::schema::{sessions, users};
use crate::users::{NewUser, User, insert_user, set_hash};

/// How often a busy session's last visit is written down, in seconds.
const TOUCH_EVERY: i64 = 60;

/// The sessions of all users.
pub struct Sessions {
    db: Db,
    clock: Clock,
    idle_timeout: i64,
}

impl LoginUser for User {
    type Store = Sessions;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn is_active(&self) -> bool {
        self.is_active
    }
}

/// What the cookie holds is a token, and the row its hash.
impl LoginStore for Sessions {
    type User = User;
    type Error = db::Error;

    /// Also notes the visit.
    async fn load(&self, token: &str, now: i64) -> Result<Option<User>, db::Error> {
        let token_hash = hash(token);
        let this = token_hash.clone();
        let found: Option<(User, i64, bool, i64, i64)> = self
            .db
            .read(move |connection| {
                sessions::table
                    .inner_join(users::table)
                    .filter(sessions::token_hash.eq(&this))
                    .select((
                        User::as_select(),
                        sessions::last_seen_at,
                        sessions::remembered,
                        sessions::expires_at,
                        sessions::ends_at,
                    ))
                    .get_result(connection)
                    .optional()
            })
            .await?;
        let Some((user, last_seen_at, remembered, expires_at, ends_at)) = found else {
            return Ok(None);
        };
        // Not in the query, nor is a LIMIT: SQLite would plan it anew for each value of either, which
        // takes three times as long as the query.
        if expires_at < now {
            return Ok(None);
        }
        if !user.is_active {
            // For good, even if somebody activates the user again.
            self.end_others(user.id, None).await?;
        } else if now - last_seen_at >= self.touch_every() {
            let this = sessions::table.filter(sessions::token_hash.eq(token_hash));
            let expires_at = self.expiry(now, remembered, ends_at);
            let seen = (sessions::last_seen_at.eq(now), sessions::expires_at.eq(expires_at));
            let touch = diesel::update(this).set(seen);
            let touched = self.db.run(move |connection| touch.execute(connection)).await;
            if let Err(error) = touched {
                // It is known who asks, and the next request is another chance.
                rocket::warn!("A visit was not noted: {error}");
            }
        }
        Ok(Some(user))
    }

    /// Begins a session and returns its token, which is kept nowhere. Also clears away those of
    /// everybody that have expired.
    async fn begin_session(
        &self,
        user: &User,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, db::Error> {
        let token = new_token()?;
        let begin = self.begin(&token, session);
        // Checking a password takes a while: if it was changed meanwhile, nothing begins. An update that
        // changes nothing, because it waits for a change that is under way, as a read would not.
        let same = users::id.eq(user.id).and(users::password_hash.eq(user.password_hash.clone()));
        let same = diesel::update(users::table.filter(same));
        let same = same.set(users::is_active.eq(users::is_active));
        let user_id = user.id;
        let begun = self
            .db
            .run(move |connection| {
                connection.transaction(|connection| match same.execute(connection)? {
                    0 => Ok(0),
                    _ => begin(connection, user_id),
                })
            })
            .await?;
        Ok((begun > 0).then_some(token))
    }

    async fn renew_session(
        &self,
        token: &str,
        _: &NewSession<'_>,
    ) -> Result<Option<String>, db::Error> {
        let (old, new) = (hash(token), new_token()?);
        let new_hash = hash(&new);
        let renewed = self.db.run(move |connection| replace_token(connection, &old, &new_hash));
        Ok((renewed.await? > 0).then_some(new))
    }

    async fn end_session(&self, token: &str) -> Result<bool, db::Error> {
        let this = sessions::table.filter(sessions::token_hash.eq(hash(token)));
        let ended = self.db.run(move |connection| diesel::delete(this).execute(connection));
        Ok(ended.await? > 0)
    }
}

/// A session, as its user sees it.
#[derive(Debug, Queryable, Serialize)]
pub struct Session {
    id: i64,
    #[serde(rename = "device", serialize_with = "device")]
    user_agent: String,
    remembered: bool,
    /// In seconds since 1970 UTC, like the next.
    begun_at: i64,
    last_seen_at: i64,
    is_this: bool,
}

/// Where one session is set apart, its token says which; a user who came without one has none.
impl Sessions {
    pub fn new(db: Db, clock: Clock, idle_timeout: NonZeroU32) -> Sessions {
        Sessions { db, clock, idle_timeout: idle_timeout.get().into() }
    }

    /// Adds a user and begins their first session, and returns its token: both, or nothing if the
    /// username is taken.
    pub async fn register(
        &self,
        new: NewUser,
        session: &NewSession<'_>,
    ) -> Result<Option<(User, String)>, db::Error> {
        let token = new_token()?;
        let begin = self.begin(&token, session);
        self.db
            .run(move |connection| {
                connection.transaction(|connection| {
                    let Some(user) = insert_user(connection, &new)? else { return Ok(None) };
                    begin(connection, user.id)?;
                    Ok(Some((user, token)))
                })
            })
            .await
    }

    /// Inserts the row of a new session, for a transaction that does more. Also deletes expired rows.
    fn begin(
        &self,
        token: &str,
        session: &NewSession<'_>,
    ) -> impl FnOnce(&mut DbConnection, i64) -> QueryResult<usize> + use<> {
        let now = session.now;
        let row = (
            sessions::token_hash.eq(hash(token)),
            sessions::user_agent.eq(session.user_agent.to_owned()),
            sessions::remembered.eq(session.remembered),
            sessions::begun_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(self.expiry(now, session.remembered, session.expires_at)),
            sessions::ends_at.eq(session.expires_at),
        );
        move |connection, user_id| {
            delete_expired(connection, now)?;
            let row = (sessions::user_id.eq(user_id), row);
            diesel::insert_into(sessions::table).values(row).execute(connection)
        }
    }

    /// All of a user's sessions, the latest seen first.
    pub async fn of_user(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<Vec<Session>, db::Error> {
        let (this, now) = (hash_of(token), self.clock.now());
        self.db
            .run(move |connection| {
                sessions::table
                    .filter(sessions::user_id.eq(user_id).and(sessions::expires_at.ge(now)))
                    .order((sessions::last_seen_at.desc(), sessions::id.desc()))
                    .select((
                        sessions::id,
                        sessions::user_agent,
                        sessions::remembered,
                        sessions::begun_at,
                        sessions::last_seen_at,
                        sessions::token_hash.eq(this),
                    ))
                    .load(connection)
            })
            .await
    }

    /// Ends the session with that id, if it is the user's, and says how many that were.
    pub async fn end_one(&self, user_id: i64, id: i64) -> Result<usize, db::Error> {
        let this = sessions::table.filter(sessions::user_id.eq(user_id).and(sessions::id.eq(id)));
        self.db.run(move |connection| diesel::delete(this).execute(connection)).await
    }

    /// Ends all sessions of a user but this one, and says how many.
    pub async fn end_others(
        &self,
        user_id: i64,
        token: Option<String>,
    ) -> Result<usize, db::Error> {
        let this = hash_of(token);
        self.db.run(move |connection| delete_others(connection, user_id, &this)).await
    }

    /// Deletes the rows of sessions that have expired, and says how many. A login does so too.
    pub async fn purge(&self) -> Result<usize, db::Error> {
        let now = self.clock.now();
        self.db.run(move |connection| delete_expired(connection, now)).await
    }

    /// Sets a new hash of a password, ends all sessions of its user but this one, and returns the token
    /// under which this one goes on: all of it, or nothing if this one has ended in the meantime.
    pub async fn change_password(
        &self,
        user_id: i64,
        password_hash: String,
        token: Option<String>,
    ) -> Result<Option<String>, db::Error> {
        let (this, new) = (hash_of(token), new_token()?);
        let new_hash = hash(&new);
        self.db
            .run(move |connection| {
                connection.transaction(|connection| {
                    // First, so that of two at once the second changes nothing.
                    if replace_token(connection, &this, &new_hash)? == 0 {
                        return Ok(None);
                    }
                    set_hash(connection, user_id, password_hash)?;
                    delete_others(connection, user_id, &new_hash)?;
                    Ok(Some(new))
                })
            })
            .await
    }

    /// Sets a new hash of a password and ends all sessions of its user.
    pub async fn reset_password(
        &self,
        user_id: i64,
        password_hash: String,
    ) -> Result<(), db::Error> {
        self.db
            .run(move |connection| {
                connection.transaction(|connection| {
                    set_hash(connection, user_id, password_hash)?;
                    delete_others(connection, user_id, &[]).map(drop)
                })
            })
            .await
    }

    /// When a session ends if the next visit after `now` is not noted. Visits are not noted for up to
    /// `touch_every` seconds, so that much is added: a session may end late, but never early.
    fn expiry(&self, now: i64, remembered: bool, ends_at: i64) -> i64 {
        let idle_end = now + self.touch_every() + self.idle_timeout;
        if remembered { ends_at } else { ends_at.min(idle_end) }
    }

    /// A minute, but never more than a small part of the idle timeout.
    fn touch_every(&self) -> i64 {
        TOUCH_EVERY.min(self.idle_timeout / 60)
    }
}

fn delete_expired(connection: &mut DbConnection, now: i64) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::expires_at.lt(now))).execute(connection)
}

fn delete_others(connection: &mut DbConnection, user_id: i64, this: &[u8]) -> QueryResult<usize> {
    let others = sessions::user_id.eq(user_id).and(sessions::token_hash.ne(this));
    diesel::delete(sessions::table.filter(others)).execute(connection)
}

fn replace_token(connection: &mut DbConnection, old: &[u8], new: &[u8]) -> QueryResult<usize> {
    diesel::update(sessions::table.filter(sessions::token_hash.eq(old)))
        .set(sessions::token_hash.eq(new))
        .execute(connection)
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

/// Without a token, a hash that no session has.
fn hash_of(token: Option<String>) -> Vec<u8> {
    token.map_or_else(Vec::new, |token| hash(&token))
}

/// The browser and the system in words, as far as a `User-Agent` tells.
fn device<S: Serializer>(user_agent: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let parsed = woothee::parser::Parser::new().parse(user_agent).unwrap_or_default();
    let is_known = |word: &&str| !matches!(*word, "UNKNOWN" | "");
    match (Some(parsed.name).filter(is_known), Some(parsed.os).filter(is_known)) {
        (Some(browser), Some(system)) => {
            serializer.collect_str(&format_args!("{browser} on {system}"))
        }
        (Some(browser), None) => serializer.serialize_str(browser),
        _ => serializer.serialize_str("Unknown device"),
    }
}
