//! Username and password authentication.

use std::net::IpAddr;

use serde::Serialize;

use super::{Accounts, AttemptKind, Error, Password, User, Username, passwords};

/// Why credentials were not accepted.
pub enum CredentialsError {
    /// The username or the password is wrong. Only the log may say which, because a page would tell an
    /// attacker which usernames exist.
    Failed {
        /// The id of the user with this username, if there is one.
        user: Option<i64>,
        reason: FailureReason,
    },
    /// There were too many failures.
    Throttled {
        /// In seconds.
        retry_after: i64,
    },
    /// The password could not be verified.
    Unavailable(Error),
}

/// Why credentials failed, for the log.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    UnknownUsername,
    WrongPassword,
    Deactivated,
    /// The user was changed after the password was verified, and before the session began.
    UserChanged,
}

impl Accounts {
    /// Returns the user with this username and password.
    ///
    /// An unknown username costs a hash too, so that response times don't reveal which usernames exist
    /// (OWASP Authentication Cheat Sheet).
    ///
    /// # Errors
    ///
    /// If the username or password is wrong, if the user is deactivated, after too many failures, or if
    /// the password can't be verified.
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
                return Ok(self.rehash_if_needed(user.clone(), password).await?);
            }
        };
        attempt.failed();
        Err(CredentialsError::Failed { user: found.map(|user| user.id), reason })
    }

    /// Replaces the user's hash if its parameters are weaker than today's.
    async fn rehash_if_needed(&self, mut user: User, password: &Password) -> Result<User, Error> {
        if !passwords::needs_rehash(&user.password_hash) {
            return Ok(user);
        }
        let new = self.hasher.hash(password).await?;
        match self.replace_hash(user.id, user.password_hash.clone(), new.clone()).await {
            Ok(current) if current == new => user.password_hash = new,
            Ok(current) => {
                // A concurrent login has replaced the hash, or the password was changed.
                if self.hasher.verify(password, Some(current.clone())).await? {
                    user.password_hash = current;
                }
            }
            // The old hash still works, and the next login tries again.
            Err(cause) => rocket::warn!("User {} still has a weak hash: {cause}", user.id),
        }
        Ok(user)
    }
}

impl From<Error> for CredentialsError {
    fn from(cause: Error) -> CredentialsError {
        CredentialsError::Unavailable(cause)
    }
}
