//! The user loader and, for apps that want them, sessions on the server.

use std::fmt::Display;
use std::future::{Future, ready};

use rocket::Request;

use crate::LoginUser;

/// Where users are loaded from: Flask-Login's `user_loader` and `request_loader`.
///
/// [`load`](Self::load) is all that a login needs. The other methods have defaults that do what
/// Flask-Login does: the user's id is sealed into the cookie, and a logout removes the cookie from
/// the browser.
///
/// A copy of such a cookie still works after a logout, until it expires (Flask-Login's
/// [issue 480](https://github.com/maxcountryman/flask-login/issues/480)). To end a session on the
/// server, write the three methods about sessions: begin one under a random id, and delete it at
/// logout.
///
/// Write the methods as `async fn`, without `#[rocket::async_trait]`.
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
    /// The users in this store.
    type User: LoginUser<Store = Self>;

    /// Why the store did not answer. It is logged, so it must hold no secret.
    type Error: Display + Send + 'static;

    /// Loads the user of a session: Flask-Login's `user_loader`. Called once per request, and not
    /// for anonymous users.
    ///
    /// `session_id` is what [`begin_session`](Self::begin_session) returned: the user's id, unless
    /// the app overrides it. `now` is in seconds since 1970 UTC.
    ///
    /// Return `Ok(None)` if the user or the session is gone: the request is anonymous then.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The response is a 503, and the session goes on.
    fn load(
        &self,
        session_id: &str,
        now: i64,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send;

    /// Loads a user from the request itself, for example by an API key in a header: Flask-Login's
    /// `request_loader`.
    ///
    /// Called if no session cookie identifies a user, so a session wins over the request. It begins
    /// no session, and such a user is never fresh.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The response is a 503.
    fn load_from_request(
        &self,
        request: &Request<'_>,
    ) -> impl Future<Output = Result<Option<Self::User>, Self::Error>> + Send {
        let _ = request;
        ready(Ok(None))
    }

    /// Begins a session for `user` and returns its id, which is sealed into the cookie.
    ///
    /// Return `Ok(None)` if the user may no longer log in, for example because the password was
    /// changed while it was being checked. [`Login::log_in`](crate::Login::log_in) then returns
    /// `false`.
    ///
    /// # Errors
    ///
    /// If the store did not answer. Nobody is logged in then.
    fn begin_session(
        &self,
        user: &Self::User,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send {
        let _ = session;
        ready(Ok(Some(user.id())))
    }

    /// Gives a session a new id, because its user has reauthenticated. Returns `Ok(None)` if the
    /// session no longer exists.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The session goes on under its old id.
    fn renew_session(
        &self,
        session_id: &str,
        session: &NewSession<'_>,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send {
        let _ = session;
        ready(Ok(Some(session_id.to_owned())))
    }

    /// Revokes a session, and returns whether it existed.
    ///
    /// # Errors
    ///
    /// If the store did not answer. The user is still logged in then.
    fn end_session(
        &self,
        session_id: &str,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let _ = session_id;
        ready(Ok(true))
    }
}

/// A session that is about to begin, or to go on under a new id.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewSession<'r> {
    /// The time, in seconds since 1970 UTC.
    pub now: i64,
    /// When the session ends at the latest, in seconds since 1970 UTC.
    pub expires_at: i64,
    /// Whether it outlives the browser.
    pub remembered: bool,
    /// The browser's `User-Agent`, cut to 256 bytes.
    pub user_agent: &'r str,
    pub(crate) fresh: bool,
}
