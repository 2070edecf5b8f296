//! The user model.

use crate::LoginStore;

/// A user who can log in: Flask-Login's `UserMixin`.
///
/// An anonymous user is `None` and not a `LoginUser`, so there are no flags to check. How users
/// compare is up to the app.
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
    /// Where users are loaded from. The app manages one with `.manage(…)`. Without it the launch
    /// fails.
    type Store: LoginStore<User = Self>;

    /// The user's own id, as text: Flask-Login's `get_id`.
    fn id(&self) -> String;

    /// Whether the user may be logged in: checked at login and on every request.
    ///
    /// A user who is not active cannot log in, and is anonymous from the next request on.
    fn is_active(&self) -> bool {
        true
    }
}
