//! The user model.

use crate::LoginStore;

/// A user who can log in: Flask-Login's `UserMixin`.
///
/// An anonymous user is `None` instead of a `LoginUser`, so this trait has neither
/// `is_authenticated` nor `is_anonymous`.
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
    /// The store that loads the users. Put the store into managed state with `.manage(…)`.
    /// Otherwise, the launch fails.
    type Store: LoginStore<User = Self>;

    /// Returns the user's id: Flask-Login's `get_id`.
    ///
    /// By default, the session cookie holds this id, and [`LoginStore::load`] receives the id.
    ///
    /// A password change can end all logins even without server-side sessions. For this purpose,
    /// include a digest of the password hash in the id, and compare the digest in `load`.
    fn id(&self) -> String;

    /// Returns whether the user is allowed to be logged in. The crate calls this method at login
    /// and whenever it loads the user.
    ///
    /// An inactive user can't log in. A user who becomes inactive is anonymous on the next request.
    fn is_active(&self) -> bool {
        true
    }
}
