//! The store of `rocket_login`: loads users, and begins, renews and ends sessions.
//!
//! The session cookie contains a random token, which the crate calls the session id. The database
//! contains only the token's hash. The hash is not accepted in place of the token, so an
//! attacker who reads the database can't use it.

use diesel::prelude::*;
use rocket_login::{LoginStore, LoginUser, NewSession};

use super::sessions::{self, hash_token, new_token};
use super::{Accounts, Error, User};
use crate::schema::{sessions as rows, users};

/// The interval between recorded visits of a session, in seconds. If the idle timeout is less than 1 h,
/// the interval is shorter.
const RECORD_VISITS_EVERY: i64 = 60;

/// The maximum number of visits that are recorded at the same time.
pub(super) const MAX_VISITS_IN_FLIGHT: usize = 64;

impl LoginUser for User {
    type Store = Accounts;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn is_active(&self) -> bool {
        self.is_active
    }
}

impl LoginStore for Accounts {
    type User = User;
    type Error = Error;

    async fn load(&self, token: &str, now: i64) -> Result<Option<User>, Error> {
        let token_hash = hash_token(token);
        let find = self.db.read(move |connection| {
            rows::table
                .inner_join(users::table)
                .filter(rows::token_hash.eq(&token_hash))
                .select((User::as_select(), SessionState::as_select()))
                .get_result(connection)
                .optional()
        });
        let Some((user, session)): Option<(User, SessionState)> = find.await? else {
            return Ok(None);
        };
        // Checks the expiry here and not in the query, because otherwise SQLite would prepare the query
        // again for each value of `now`.
        if session.expires_at < now {
            return Ok(None);
        }
        if !user.is_active {
            // The command `user deactivate` revokes the sessions, but an SQL update does not.
            self.revoke_all_sessions(user.id).await?;
        } else if now - session.last_seen_at >= self.record_visits_every() {
            self.record_visit(&session, now);
        }
        Ok(Some(user))
    }

    async fn begin_session(
        &self,
        user: &User,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, Error> {
        let token = new_token()?;
        let (user_id, row) = (user.id, self.session_row(&token, session));
        // This update changes nothing but locks the row. A read would not wait for a concurrent password
        // change.
        let unchanged = users::id
            .eq(user_id)
            .and(users::password_hash.eq(user.password_hash.clone()))
            .and(users::is_active.eq(true));
        let lock = diesel::update(users::table.filter(unchanged)).set(users::id.eq(user_id));
        let begin = self.db.transaction(move |connection| {
            if lock.execute(connection)? == 0 {
                return Ok(None);
            }
            sessions::insert(connection, user_id, row)?;
            Ok(Some(token))
        });
        let begun = begin.await?;
        self.purge_in_background();
        Ok(begun)
    }

    async fn renew_session(
        &self,
        token: &str,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, Error> {
        let (old, new) = (hash_token(token), new_token()?);
        let (new_hash, user_agent) = (hash_token(&new), session.user_agent.to_owned());
        let renew = self
            .db
            .run(move |connection| sessions::renew(connection, &old, &new_hash, Some(&user_agent)));
        Ok((renew.await? > 0).then_some(new))
    }

    /// Ends the session, even if a concurrent request has just replaced this token.
    async fn end_session(&self, token: &str) -> Result<bool, Error> {
        let hash = hash_token(token);
        Ok(self.db.run(move |connection| sessions::end(connection, &hash)).await? > 0)
    }
}

/// The columns of a session that `load` reads.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
struct SessionState {
    id: i64,
    last_seen_at: i64,
    remembered: bool,
    expires_at: i64,
    absolute_expires_at: i64,
}

impl Accounts {
    pub(super) fn session_row(
        &self,
        token: &str,
        session: &NewSession<'_>,
    ) -> sessions::SessionRow {
        sessions::SessionRow {
            token_hash: hash_token(token),
            user_agent: session.user_agent.to_owned(),
            remembered: session.remembered,
            created_at: session.now,
            last_seen_at: session.now,
            expires_at: self.expires_at(session.now, session.remembered, session.expires_at),
            absolute_expires_at: session.expires_at,
        }
    }

    /// Returns when a session that was last seen at `now` expires. An idle session can expire up to
    /// a minute late, but not early, because not every visit is recorded.
    fn expires_at(&self, now: i64, remembered: bool, absolute: i64) -> i64 {
        let idle = now + self.record_visits_every() + self.idle_timeout;
        if remembered { absolute } else { absolute.min(idle) }
    }

    /// Returns the interval between recorded visits, in seconds, which is shorter for a short idle
    /// timeout.
    fn record_visits_every(&self) -> i64 {
        RECORD_VISITS_EVERY.min(self.idle_timeout / 60)
    }

    /// Records a visit in the background, so that the request does not wait for a write. If the write
    /// fails, the next request tries again.
    fn record_visit(&self, session: &SessionState, now: i64) {
        let Ok(permit) = self.visit_permits.clone().try_acquire_owned() else { return };
        let expires_at = self.expires_at(now, session.remembered, session.absolute_expires_at);
        // Finds the row by id, because a concurrent request can replace the token.
        let update = diesel::update(rows::table.find(session.id))
            .set((rows::last_seen_at.eq(now), rows::expires_at.eq(expires_at)));
        let db = self.db.clone();
        rocket::tokio::spawn(async move {
            if let Err(cause) = db.run(move |connection| update.execute(connection)).await {
                rocket::warn!("A visit was not recorded: {cause}");
            }
            drop(permit);
        });
    }
}
