//! Sessions: a row for each login, so that the server can end one.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::db::{self, Db};
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
        let (sessions, hash) = (self.clone(), hash(token));
        self.db
            .run(move |connection| {
                let now = sessions.clock.now();
                let found: Option<(User, Visit)> = sessions::table
                    .inner_join(users::table)
                    .filter(sessions::token_hash.eq(&hash).and(sessions::expires_at.gt(now)))
                    .select((User::as_select(), Visit::as_select()))
                    .first(connection)
                    .optional()?;
                let Some((user, visit)) = found else {
                    return Ok(None);
                };
                if !user.is_active {
                    // For good, even if somebody activates the user again.
                    let theirs = sessions::table.filter(sessions::user_id.eq(user.id));
                    diesel::delete(theirs).execute(connection)?;
                } else if now - visit.last_seen_at >= sessions.touch_every() {
                    let this = sessions::table.filter(sessions::token_hash.eq(hash));
                    let expires_at = sessions.expiry(now, visit.remembered, visit.ends_at);
                    diesel::update(this)
                        .set((sessions::last_seen_at.eq(now), sessions::expires_at.eq(expires_at)))
                        .execute(connection)?;
                }
                Ok(Some(user))
            })
            .await
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
        let old = hash(token);
        let new = new_token()?;
        let new_hash = hash(&new);
        self.db
            .run(move |connection| {
                diesel::update(sessions::table.filter(sessions::token_hash.eq(old)))
                    .set(sessions::token_hash.eq(new_hash))
                    .execute(connection)
            })
            .await?;
        Ok(new)
    }

    /// Ends the session of that token.
    pub async fn end(&self, token: &str) -> Result<(), db::Error> {
        let this = sessions::table.filter(sessions::token_hash.eq(hash(token)));
        self.db.run(move |connection| diesel::delete(this).execute(connection).map(drop)).await
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Visit {
    remembered: bool,
    last_seen_at: i64,
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
