//! Username and password authentication.

use serde::Serialize;

use super::hash_queue::Place;
use super::{Accounts, Client, Error, Password, User, Username, passwords};
use crate::trace;

/// What a password is entered for. Failures for a username are counted separately for each kind.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    Login,
    Reauthentication,
}

/// Why credentials were not accepted.
pub enum CredentialsError {
    /// The username or password is wrong, or the user is deactivated or was changed. Only the log
    /// contains the reason, because otherwise an attacker could find out which usernames exist.
    Failed {
        /// The id of the user with this username, if such a user exists.
        user: Option<i64>,
        reason: FailureReason,
    },
    /// The credentials were not verified, for example because there were too many failures.
    NotVerified(Error),
}

/// Why credentials failed, for the log.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    UnknownUsername,
    WrongPassword,
    Deactivated,
    /// The user was changed or deleted while the login was in progress.
    UserChanged,
}

impl Accounts {
    /// Returns the user with this username and password.
    ///
    /// For an unknown username, verifies the password against a dummy hash, so that response times don't
    /// reveal which usernames exist (OWASP Authentication Cheat Sheet).
    ///
    /// # Errors
    ///
    /// Returns an error if the username or password is wrong, if the user is deactivated, if there were
    /// too many failures, or if the database or the password hashing is unavailable.
    pub async fn authenticate(
        &self,
        kind: AttemptKind,
        username: &str,
        password: &Password,
        client: &Client,
    ) -> Result<User, CredentialsError> {
        let found = match Username::parse(username) {
            Ok(username) => self.find_by_username(username).await?,
            Err(_) => None,
        };
        trace::step("Username", if found.is_some() { "found" } else { "not found" });
        let place = self.queue.enter(client.line(found.as_ref()))?;
        let attempt = self.throttle.begin(kind, username, found.as_ref(), client).await;
        trace::check("Rate limit", &attempt);
        let attempt = attempt?;
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let is_correct = self.hasher.verify(password, hash, &place).await?;
        let reason = match &found {
            None => FailureReason::UnknownUsername,
            Some(_) if !is_correct => FailureReason::WrongPassword,
            Some(user) if !user.is_active => FailureReason::Deactivated,
            Some(user) => {
                attempt.succeeded().await?;
                trace::step("Password", "correct");
                return Ok(self.rehash_if_needed(user.clone(), password, &place).await);
            }
        };
        attempt.failed().await?;
        trace::step("Password", "not accepted");
        self.purge_in_background();
        Err(CredentialsError::Failed { user: found.map(|user| user.id), reason })
    }

    /// Replaces the user's hash if its parameters are weaker than today's. If that fails, the old hash
    /// still works, and the next login tries again.
    async fn rehash_if_needed(&self, mut user: User, password: &Password, place: &Place) -> User {
        if passwords::needs_rehash(&user.password_hash) {
            match self.rehash(&user, password, place).await {
                Ok(hash) => user.password_hash = hash,
                Err(cause) => rocket::warn!("User {} still has a weak hash: {cause}", user.id),
            }
        }
        user
    }

    /// Returns the hash in the database if it matches this password, and otherwise the old hash.
    async fn rehash(
        &self,
        user: &User,
        password: &Password,
        place: &Place,
    ) -> Result<String, Error> {
        let (old, new) = (user.password_hash.clone(), self.hasher.hash(password, place).await?);
        let current = self.replace_hash(user.id, old.clone(), new.clone()).await?;
        // A concurrent login or password change might have replaced the hash first.
        let is_current = current == new;
        if is_current || self.hasher.verify(password, Some(current.clone()), place).await? {
            return Ok(current);
        }
        Ok(old)
    }
}

impl From<Error> for CredentialsError {
    fn from(cause: Error) -> CredentialsError {
        CredentialsError::NotVerified(cause)
    }
}
