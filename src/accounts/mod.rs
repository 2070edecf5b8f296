//! Users, their passwords and their sessions.
//!
//! These modules use the database and `rocket_login`, but not cookies or pages. The rest of the app calls
//! the methods of [`Accounts`], which these modules implement.

mod authenticate;
mod buckets;
mod client;
mod hash_queue;
mod health;
mod keys;
mod login_store;
mod passwords;
mod purge;
mod sessions;
mod throttle;
mod users;

use std::fmt;
use std::sync::Arc;

use rocket::tokio::sync::{Mutex, Semaphore};
use rocket_login::{Clock, NewSession};

use crate::db::{self, Db};
use crate::settings::DataSettings;
use crate::trace;
use hash_queue::LineKey;
use throttle::Limit;

pub use authenticate::{AttemptKind, CredentialsError, FailureReason};
pub use client::{Client, Device};
pub use passwords::Password;
pub use users::{User, Username};

/// Users, their passwords and their sessions. Rocket manages an `Accounts`, and each command opens one.
pub struct Accounts {
    pub(crate) db: Db,
    clock: Clock,
    queue: hash_queue::HashQueue,
    hasher: passwords::Hasher,
    throttle: throttle::LoginThrottle,
    /// The idle timeout, in seconds.
    idle_timeout: i64,
    /// Limits how many visits are recorded in the background at the same time.
    visit_permits: Arc<Semaphore>,
    /// Allows one purge at a time.
    purge_permit: Arc<Semaphore>,
    last_write: Mutex<health::LastWrite>,
}

/// Why a method of [`Accounts`] failed. The message is logged or printed, but never shown on a page.
#[derive(Debug)]
pub enum Error {
    /// There were too many attempts. `retry_after` is the time to wait, in seconds.
    Throttled { retry_after: i64 },
    /// The database failed or did not answer, or too many passwords are waiting to be hashed.
    Unavailable(String),
    /// Argon2 or the operating system failed.
    Failed(String),
}

impl Accounts {
    /// Opens the database.
    ///
    /// # Errors
    ///
    /// Returns an error if the database can't be opened or Argon2 fails.
    pub fn open(settings: &DataSettings, clock: Clock) -> Result<Accounts, String> {
        let db = Db::open(settings)?;
        Ok(Accounts {
            throttle: throttle::LoginThrottle::new(clock.clone(), &db),
            db,
            queue: hash_queue::HashQueue::new(),
            hasher: passwords::Hasher::new().map_err(|cause| cause.to_string())?,
            clock,
            idle_timeout: settings.idle_timeout.get().into(),
            visit_permits: Arc::new(Semaphore::new(login_store::MAX_VISITS_IN_FLIGHT)),
            purge_permit: Arc::new(Semaphore::new(1)),
            last_write: Mutex::default(),
        })
    }

    /// Adds a user, or returns `None` if the username is taken.
    pub async fn add_user(
        &self,
        username: Username,
        password: &Password,
    ) -> Result<Option<User>, Error> {
        let hash = self.hasher.hash(password, &self.queue.enter(LineKey::Operator)?).await?;
        Ok(self.db.run(move |connection| users::insert(connection, &username, &hash)).await?)
    }

    /// Adds a user and begins their first session, in one transaction. Returns the user and the session
    /// token, or `None` if the username is taken.
    pub async fn register(
        &self,
        username: Username,
        password: &Password,
        session: &NewSession<'_>,
        client: &Client,
    ) -> Result<Option<(User, String)>, Error> {
        let place = self.queue.enter(client.line(None))?;
        let counted = self.throttle.count(vec![Limit::registration(client)]).await;
        trace::check("Rate limit", &counted);
        counted?;
        self.purge_in_background();
        // The insert below checks this too. Here, the check saves a hash.
        if self.find_by_username(username.clone()).await?.is_some() {
            return Ok(None);
        }
        let hash = self.hasher.hash(password, &place).await?;
        let token = sessions::new_token()?;
        let row = self.session_row(&token, session);
        let register = self.db.transaction(move |connection| {
            let Some(user) = users::insert(connection, &username, &hash)? else { return Ok(None) };
            sessions::insert(connection, user.id, row)?;
            Ok(Some((user, token)))
        });
        Ok(register.await?)
    }

    /// Changes a user's password, revokes their other sessions and renews the session that `token`
    /// belongs to, in one transaction. Returns the changed user and the new token, or `None` if that
    /// session no longer exists.
    pub async fn change_password(
        &self,
        user_id: i64,
        password: &Password,
        token: &str,
    ) -> Result<Option<(User, String)>, Error> {
        let place = self.queue.enter(LineKey::User(user_id))?;
        let hash = self.hasher.hash(password, &place).await?;
        let (old, new) = (sessions::hash_token(token), sessions::new_token()?);
        let change = self.db.transaction(move |connection| {
            let current = sessions::hash_token(&new);
            // Takes the lock first, so that the session of a concurrent login is visible and is revoked.
            users::lock(connection, user_id)?;
            if sessions::renew(connection, &old, &current, None)? == 0 {
                return Ok(None);
            }
            let user = users::set_password_hash(connection, user_id, &hash)?;
            sessions::revoke_others(connection, user_id, &current)?;
            Ok(Some((user, new)))
        });
        Ok(change.await?)
    }

    /// Sets a user's password and revokes all their sessions.
    pub async fn reset_password(&self, user_id: i64, password: &Password) -> Result<(), Error> {
        let hash = self.hasher.hash(password, &self.queue.enter(LineKey::Operator)?).await?;
        let reset = self.db.transaction(move |connection| {
            users::set_password_hash(connection, user_id, &hash)?;
            sessions::revoke_all(connection, user_id).map(drop)
        });
        Ok(reset.await?)
    }
}

impl From<db::Error> for Error {
    fn from(cause: db::Error) -> Error {
        Error::Unavailable(cause.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Throttled { retry_after } => {
                write!(f, "too many attempts: wait {retry_after} s")
            }
            Error::Unavailable(cause) | Error::Failed(cause) => f.write_str(cause),
        }
    }
}
