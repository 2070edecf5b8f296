//! The request guards of `rocket_login`, for this app's users.

use crate::accounts::User;

/// The current user, or `None` for an anonymous one.
pub type CurrentUser = rocket_login::CurrentUser<User>;

/// The current user, who must be logged in.
pub type RequiredUser = rocket_login::RequiredUser<User>;

/// The current user, who must have entered their password recently.
pub type FreshUser = rocket_login::FreshUser<User>;

/// The login of the request, to log in and out.
pub type Login<'r> = rocket_login::Login<'r, User>;
