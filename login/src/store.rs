//! The user loader, and optional server-side sessions.

use std::fmt::Display;
use std::future::{Future, ready};

use rocket::Request;

use crate::LoginUser;

/// A store of users and sessions: Flask-Login's `user_loader` and `request_loader`.
///
/// Only [`load`](Self::load) is required. With the default methods, logins work as in Flask-Login:
/// the cookie holds the user's id, and a logout removes the cookie from the browser.
///
/// A copy of such a cookie still works after a logout, until the cookie expires (see Flask-Login's
/// [issue 480](https://github.com/maxcountryman/flask-login/issues/480)). To revoke sessions,
/// implement server-side sessions:
///
/// - [`begin_session`](Self::begin_session) stores a random session id.
/// - [`renew_session`](Self::renew_session) replaces the id.
/// - [`end_session`](Self::end_session) deletes the id.
///
/// Implement all three methods. Generate the id from at least 128 bits of the operating system's
/// random source (OWASP ASVS 5, 7.2.3). Store only a hash of the id, so that a leaked table reveals
/// no usable id.
///
/// Write the methods as plain `async fn`, without `#[rocket::async_trait]`. A store has a single
/// user type. For two user types, use two store types that share data, such as a connection pool.
///
/// ```
/// use std::collections::HashMap;
/// use std::convert::Infallible;
/// use rocket_login::LoginStore;
/// # #[derive(Clone)] struct User(String);
/// # impl rocket_login::LoginUser for User {
/// #     type Store = Users;
/// #     fn id(&self) -> String { self.0.clone() }
/// # }
///
/// struct Users(HashMap<String, User>);
///
/// impl LoginStore for Users {
///     type User = User;
///     type Error = Infallible;
///
///     async fn load(&self, id: &str, _now: i64) -> Result<Option<User>, Infallible> {
///         Ok(self.0.get(id).cloned())
///     }
/// }
/// ```
pub trait LoginStore: Send + Sync + 'static {
    /// The user type that this store loads.
    type User: LoginUser;

    /// The error that the methods return if the store fails. This error must not contain secrets,
    /// because it is logged.
    type Error: Display + Send + 'static;

    /// Loads the user of a session: Flask-Login's `user_loader`. The crate calls this method at
    /// most once per request, and only if the request has a valid session cookie.
    ///
    /// `session_id` is the return value of [`begin_session`](Self::begin_session), which is the
    /// user's id by default. `now` is the current time, as a Unix timestamp in seconds. The crate
    /// has already checked that the cookie has not expired.
    ///
    /// Return `Ok(None)` if the user or the session no longer exists, or if the id is invalid. The
    /// request is then anonymous, unless [`load_from_request`](Self::load_from_request) finds a
    /// user.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails. All guards of this crate then fail with a 503, and the
    /// user remains logged in.
    fn load(
        &self,
        session_id: &str,
        now: i64,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send;

    /// Loads a user from the request itself, for example by an API key in a header: Flask-Login's
    /// `request_loader`.
    ///
    /// A session takes precedence, because this method is called only if the session cookie does
    /// not identify a user. The request then has no session, and the login is never fresh.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails. All guards of this crate then fail with a 503.
    fn load_from_request(
        &self,
        request: &Request<'_>,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send {
        let _ = request;
        ready(Ok(None))
    }

    /// Begins a session for `user`, and returns the session id for the encrypted cookie.
    ///
    /// Return `Ok(None)` if the user is no longer allowed to log in, for example because the
    /// password was changed during the password check. [`Login::log_in`](crate::Login::log_in)
    /// then returns `false`.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails. The new login then fails, and an existing login is
    /// unchanged.
    fn begin_session(
        &self,
        user: &Self::User,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send {
        let _ = session;
        ready(Ok(Some(user.id())))
    }

    /// Replaces the id of a session after reauthentication, and returns the new id. Return
    /// `Ok(None)` if the session no longer exists.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails. The session then keeps its old id.
    fn renew_session(
        &self,
        session_id: &str,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send {
        let _ = session;
        ready(Ok(Some(session_id.to_owned())))
    }

    /// Revokes a session, and returns whether the session existed.
    ///
    /// # Errors
    ///
    /// Returns an error if the store fails. The user then remains logged in.
    fn end_session(
        &self,
        session_id: &str,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let _ = session_id;
        ready(Ok(true))
    }
}

/// A session that is about to begin, or to continue under a new id.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewSession<'r> {
    /// The current time, as a Unix timestamp in seconds.
    pub now: i64,
    /// When the session expires, as a Unix timestamp in seconds.
    pub expires_at: i64,
    /// Whether the session persists after the browser is closed.
    pub remembered: bool,
    /// The browser's `User-Agent`, truncated to 256 bytes.
    pub user_agent: &'r str,
    pub(crate) fresh: bool,
}
