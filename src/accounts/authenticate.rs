//! Username and password authentication.

use std::net::IpAddr;

use serde::Serialize;

use super::{Accounts, AttemptKind, Error, Password, User, Username, passwords};

/// Why credentials were not accepted.
pub enum CredentialsError {
    /// The username or password is wrong, or the user is deactivated or was changed. Only the log
    /// contains the reason, because otherwise an attacker could find out which usernames exist.
    Failed {
        /// The id of the user with this username, if such a user exists.
        user: Option<i64>,
        reason: FailureReason,
    },
    /// There were too many failures for the username or the address.
    Throttled {
        /// How long to wait, in seconds.
        retry_after: i64,
    },
    /// The database or the password hashing is unavailable.
    Unavailable(Error),
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
        address: Option<IpAddr>,
    ) -> Result<User, CredentialsError> {
        let attempt = self.throttle.begin(kind, username, address).await;
        let attempt = attempt.map_err(|retry_after| CredentialsError::Throttled { retry_after })?;
        let found = match Username::parse(username) {
            Ok(username) => self.find_by_username(username).await?,
            Err(_) => None,
        };
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let is_correct = self.hasher.verify(password, hash).await?;
        let reason = match &found {
            None => FailureReason::UnknownUsername,
            Some(_) if !is_correct => FailureReason::WrongPassword,
            Some(user) if !user.is_active => FailureReason::Deactivated,
            Some(user) => {
                attempt.succeeded();
                return Ok(self.rehash_if_needed(user.clone(), password).await);
            }
        };
        attempt.failed();
        Err(CredentialsError::Failed { user: found.map(|user| user.id), reason })
    }

    /// Replaces the user's hash if its parameters are weaker than today's. If that fails, the old hash
    /// still works, and the next login tries again.
    async fn rehash_if_needed(&self, mut user: User, password: &Password) -> User {
        if passwords::needs_rehash(&user.password_hash) {
            match self.rehash(&user, password).await {
                Ok(hash) => user.password_hash = hash,
                Err(cause) => rocket::warn!("User {} still has a weak hash: {cause}", user.id),
            }
        }
        user
    }

    /// Returns the hash in the database if it matches this password, and otherwise the old hash.
    async fn rehash(&self, user: &User, password: &Password) -> Result<String, Error> {
        let (old, new) = (user.password_hash.clone(), self.hasher.hash(password).await?);
        let current = self.replace_hash(user.id, old.clone(), new.clone()).await?;
        // A concurrent login or password change might have replaced the hash first.
        let is_current = current == new;
        if is_current || self.hasher.verify(password, Some(current.clone())).await? {
            return Ok(current);
        }
        Ok(old)
    }
}

impl From<Error> for CredentialsError {
    fn from(cause: Error) -> CredentialsError {
        CredentialsError::Unavailable(cause)
    }
}
