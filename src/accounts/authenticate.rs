//! Username and password authentication.

use std::net::IpAddr;

use serde::Serialize;

use super::{Accounts, AttemptKind, Error, Password, User, Username};

/// Why nobody was authenticated.
pub enum AuthenticateError {
    /// The username or the password is wrong. Only the log may tell which, or an attacker could find
    /// out which usernames exist.
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
    /// The password could not be checked.
    Unavailable(Error),
}

/// Why credentials failed, for the log.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    UnknownUsername,
    WrongPassword,
    Deactivated,
    /// While the old one was being checked.
    PasswordChanged,
}

impl Accounts {
    /// Returns the user with this username, if it is their password.
    ///
    /// An unknown username costs as much work, a dummy hash, so that response times don't reveal which
    /// usernames exist (OWASP Authentication Cheat Sheet).
    ///
    /// # Errors
    ///
    /// If the username or password is wrong, after too many failures, or if it can't be checked.
    pub async fn authenticate(
        &self,
        kind: AttemptKind,
        username: &str,
        password: &Password,
        address: Option<IpAddr>,
    ) -> Result<User, AuthenticateError> {
        let attempt = self.throttle.begin(kind, username, address).await;
        let attempt =
            attempt.map_err(|retry_after| AuthenticateError::Throttled { retry_after })?;
        let found = match Username::parse(username) {
            Ok(username) => self.find_by_username(username).await?,
            Err(_) => None,
        };
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let is_correct = self.hasher.verify(password, hash).await?;
        match found {
            Some(user) if is_correct => {
                attempt.succeeded();
                Ok(self.rehash_if_needed(user, password).await)
            }
            found => {
                attempt.failed();
                let user = found.map(|user| user.id);
                Err(AuthenticateError::Failed {
                    user,
                    reason: match user {
                        Some(_) => FailureReason::WrongPassword,
                        None => FailureReason::UnknownUsername,
                    },
                })
            }
        }
    }

    /// Hashes the password again if its hash has weaker parameters than today's. If that fails, the old
    /// hash still works, and the next login tries again.
    async fn rehash_if_needed(&self, mut user: User, password: &Password) -> User {
        if !super::passwords::needs_rehash(&user.password_hash) {
            return user;
        }
        let rehash = async {
            let new = self.hasher.hash(password).await?;
            self.replace_hash(user.id, user.password_hash.clone(), new.clone()).await?;
            Ok::<_, Error>(new)
        };
        match rehash.await {
            Ok(new) => user.password_hash = new,
            Err(cause) => {
                rocket::warn!("The password of user {} was not rehashed: {cause}", user.id)
            }
        }
        user
    }
}

impl AuthenticateError {
    /// The credentials of `user` failed.
    pub fn failed(user: &User, reason: FailureReason) -> AuthenticateError {
        AuthenticateError::Failed { user: Some(user.id), reason }
    }
}

impl From<Error> for AuthenticateError {
    fn from(cause: Error) -> AuthenticateError {
        AuthenticateError::Unavailable(cause)
    }
}
