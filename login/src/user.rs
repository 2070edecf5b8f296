//! The user model.

use crate::LoginStore;

/// A user who can log in: Flask-Login's `UserMixin`.
///
/// An anonymous user is `None` and not a `LoginUser`, so there are no flags to check.
///
/// ```
/// # use rocket_login::{LoginStore, LoginUser};
/// struct User { id: i64, deactivated: bool }
///
/// impl LoginUser for User {
///     type Store = Users;
///
///     fn id(&self) -> String {
///         self.id.to_string()
///     }
///
///     fn is_active(&self) -> bool {
///         !self.deactivated
///     }
/// }
/// # struct Users;
/// # impl LoginStore for Users {
/// #     type User = User;
/// #     type Error = std::convert::Infallible;
/// #     async fn load(&self, _: &str, _: i64) -> Result<Option<User>, Self::Error> { Ok(None) }
/// # }
/// ```
pub trait LoginUser: Sized + Send + Sync + 'static {
    /// Where users are loaded from. Put the store into managed state with `.manage(…)`, or the launch
    /// fails.
    type Store: LoginStore<User = Self>;

    /// The user's id: Flask-Login's `get_id`.
    ///
    /// By default the session cookie holds it, and [`LoginStore::load`] receives it. If it contains a
    /// digest of the password hash, which `load` compares, a new password ends all logins without
    /// sessions on the server.
    fn id(&self) -> String;

    /// Whether the user may be logged in. Checked at login and on every request.
    ///
    /// An inactive user can't log in. A user who becomes inactive is anonymous from the next request
    /// on.
    fn is_active(&self) -> bool {
        true
    }
}
