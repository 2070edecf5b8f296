//! Sessions: one row per login, so that the server can revoke it.
//!
//! The session cookie holds a random token, and the row only its hash.

use diesel::prelude::*;
use rocket_login::{LoginStore, LoginUser, NewSession};
use sha2::{Digest, Sha256};

use super::{Accounts, Error, User};
use crate::db::DbConnection;
use crate::schema::{sessions, users};

/// How often the last visit of a busy session is noted, in seconds.
const NOTE_VISITS_EVERY: i64 = 60;

/// How many visits are noted at once, at most.
pub(super) const VISITS_AT_ONCE: usize = 64;

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
        let this = hash(token);
        let find = self.db.read(move |connection| {
            sessions::table
                .inner_join(users::table)
                .filter(sessions::token_hash.eq(&this))
                .select((User::as_select(), Expiry::as_select()))
                .get_result(connection)
                .optional()
        });
        let Some((user, session)): Option<(User, Expiry)> = find.await? else { return Ok(None) };
        // Compared here, because a value in the query makes SQLite plan it again each time.
        if session.expires_at < now {
            return Ok(None);
        }
        if !user.is_active {
            // Stays logged out, even if the user is activated again.
            self.revoke_all_sessions(user.id).await?;
        } else if now - session.last_seen_at >= self.note_visits_every() {
            self.note_visit(&session, now);
        }
        Ok(Some(user))
    }

    async fn begin_session(
        &self,
        user: &User,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, Error> {
        let token = new_token()?;
        let row = self.session_row(&token, session);
        let user_id = user.id;
        // A no-op update: a read would not wait for a concurrent change of the password.
        let same = users::id.eq(user_id).and(users::password_hash.eq(user.password_hash.clone()));
        let lock = diesel::update(users::table.filter(same)).set(users::id.eq(user_id));
        let begin = self.db.transaction(move |connection| match lock.execute(connection)? {
            0 => Ok(None), // The password was changed while it was being checked.
            _ => insert(connection, user_id, row).map(|_| Some(token)),
        });
        Ok(begin.await?)
    }

    async fn renew_session(
        &self,
        token: &str,
        _: &NewSession<'_>,
    ) -> Result<Option<String>, Error> {
        let (old, new) = (hash(token), new_token()?);
        let new_hash = hash(&new);
        let renew = self.db.run(move |connection| replace_token(connection, &old, &new_hash));
        Ok((renew.await? > 0).then_some(new))
    }

    async fn end_session(&self, token: &str) -> Result<bool, Error> {
        let this = sessions::table.filter(sessions::token_hash.eq(hash(token)));
        Ok(self.db.run(move |connection| diesel::delete(this).execute(connection)).await? > 0)
    }
}

/// When a session ends.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Expiry {
    id: i64,
    last_seen_at: i64,
    remembered: bool,
    expires_at: i64,
    absolute_expires_at: i64,
}

/// A row to insert.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub(super) struct NewRow {
    token_hash: Vec<u8>,
    user_agent: String,
    remembered: bool,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    absolute_expires_at: i64,
}

impl Accounts {
    pub(super) fn session_row(&self, token: &str, session: &NewSession<'_>) -> NewRow {
        NewRow {
            token_hash: hash(token),
            user_agent: session.user_agent.to_owned(),
            remembered: session.remembered,
            created_at: session.now,
            last_seen_at: session.now,
            expires_at: self.expiry(session.now, session.remembered, session.expires_at),
            absolute_expires_at: session.expires_at,
        }
    }

    /// When a session expires that is last seen `now`. A visit is noted at most a minute late, so an
    /// idle session may end a minute late too, but never early.
    fn expiry(&self, now: i64, remembered: bool, absolute: i64) -> i64 {
        let idle = now + self.note_visits_every() + self.idle_timeout;
        if remembered { absolute } else { absolute.min(idle) }
    }

    /// In seconds: never more than a small part of the idle timeout.
    fn note_visits_every(&self) -> i64 {
        NOTE_VISITS_EVERY.min(self.idle_timeout / 60)
    }

    /// Notes a visit in the background, because the visitor should not wait for a write. If it fails,
    /// the next request tries again.
    fn note_visit(&self, session: &Expiry, now: i64) {
        let Ok(permit) = self.visits.clone().try_acquire_owned() else { return };
        let expires_at = self.expiry(now, session.remembered, session.absolute_expires_at);
        // By id, because the token may be replaced meanwhile.
        let update = diesel::update(sessions::table.find(session.id))
            .set((sessions::last_seen_at.eq(now), sessions::expires_at.eq(expires_at)));
        let db = self.db.clone();
        rocket::tokio::spawn(async move {
            let noted = db.run(move |connection| update.execute(connection)).await;
            if let Err(cause) = noted {
                rocket::warn!("A visit was not noted: {cause}");
            }
            drop(permit);
        });
    }
}

/// Inserts a session. Also deletes the sessions that have expired, of all users.
pub(super) fn insert(
    connection: &mut DbConnection,
    user_id: i64,
    row: NewRow,
) -> QueryResult<usize> {
    super::devices::delete_expired(connection, row.created_at)?;
    let row = (sessions::user_id.eq(user_id), row);
    diesel::insert_into(sessions::table).values(row).execute(connection)
}

pub(super) fn replace_token(
    connection: &mut DbConnection,
    old: &[u8],
    new: &[u8],
) -> QueryResult<usize> {
    diesel::update(sessions::table.filter(sessions::token_hash.eq(old)))
        .set(sessions::token_hash.eq(new))
        .execute(connection)
}

/// Makes a token: 256 bits from the operating system, in hexadecimal.
pub(super) fn new_token() -> Result<String, Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| Error::Failed(cause.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Hashes a token. It is random enough to need no salt.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
