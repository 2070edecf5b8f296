//! The user loader and, for apps that want them, sessions on the server.

use std::fmt::Display;
use std::future::{Future, ready};

use rocket::Request;

use crate::LoginUser;

/// Where users are loaded from: Flask-Login's `user_loader` and `request_loader`.
///
/// Only [`load`](Self::load) is required. With the other methods' defaults, logins work as in
/// Flask-Login: the cookie holds the user's id, and a logout removes the cookie from the browser.
///
/// A copy of such a cookie still works after a logout, until it expires (Flask-Login's
/// [issue 480](https://github.com/maxcountryman/flask-login/issues/480)). To end sessions on the
/// server, implement all of [`begin_session`](Self::begin_session),
/// [`renew_session`](Self::renew_session) and [`end_session`](Self::end_session): store a random id,
/// replace it, and delete it. Make the id from at least 128 bits of the operating system's random
/// source (OWASP Session Management Cheat Sheet), and store only its hash, so that nobody who reads the
/// table can use the id.
///
/// Write the methods as `async fn`, without `#[rocket::async_trait]`. A store has one user type: for
/// two, wrap what they share, such as a connection pool, in two types.
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

    /// The error if the store fails. It is logged, so it must not contain secrets.
    type Error: Display + Send + 'static;

    /// Loads the user of a session: Flask-Login's `user_loader`. Called at most once per request, and
    /// only if the request has a valid session cookie.
    ///
    /// `session_id` is what [`begin_session`](Self::begin_session) returned, which is the user's id by
    /// default. `now` is the time, as a Unix timestamp in seconds. The expiry of the cookie has been
    /// checked already.
    ///
    /// Return `Ok(None)` if the user or the session no longer exists, or if the id is not one of
    /// yours, for example because it can't be parsed. The request is then anonymous, unless
    /// [`load_from_request`](Self::load_from_request) finds a user.
    ///
    /// # Errors
    ///
    /// If the store fails. All guards of this crate then respond with a 503, and the user remains
    /// logged in.
    fn load(
        &self,
        session_id: &str,
        now: i64,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send;

    /// Loads a user from the request itself, for example by an API key in a header: Flask-Login's
    /// `request_loader`.
    ///
    /// Called only if the session cookie does not lead to a user, so a session takes precedence. No
    /// session begins, and the login is never fresh.
    ///
    /// # Errors
    ///
    /// If the store fails. All guards of this crate then respond with a 503.
    fn load_from_request(
        &self,
        request: &Request<'_>,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send {
        let _ = request;
        ready(Ok(None))
    }

    /// Begins a session for `user` and returns its id, which the encrypted cookie will hold.
    ///
    /// Return `Ok(None)` if the user may no longer log in, for example because the password was
    /// changed while it was being checked. [`Login::log_in`](crate::Login::log_in) then returns
    /// `false`.
    ///
    /// # Errors
    ///
    /// If the store fails. The login fails, and an existing one is unchanged.
    fn begin_session(
        &self,
        user: &Self::User,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send {
        let _ = session;
        ready(Ok(Some(user.id())))
    }

    /// Gives a session a new id, because its user has reauthenticated. Return `Ok(None)` if the
    /// session no longer exists.
    ///
    /// # Errors
    ///
    /// If the store fails. The session keeps its old id.
    fn renew_session(
        &self,
        session_id: &str,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send {
        let _ = session;
        ready(Ok(Some(session_id.to_owned())))
    }

    /// Revokes a session and returns whether it existed.
    ///
    /// # Errors
    ///
    /// If the store fails. The user remains logged in.
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
    /// Whether it persists after the browser is closed.
    pub remembered: bool,
    /// The browser's `User-Agent`, truncated to 256 bytes.
    pub user_agent: &'r str,
    pub(crate) fresh: bool,
}
