//! The request guards of `rocket_login`, for this app's user.

use crate::users::User;

/// The user, if one is logged in.
pub type CurrentUser = rocket_login::CurrentUser<User>;

/// A user who is logged in.
pub type RequiredUser = rocket_login::RequiredUser<User>;

/// A user who recently entered their password.
pub type FreshUser = rocket_login::FreshUser<User>;

/// The login of a request, to log in and out.
pub type Login<'r> = rocket_login::Login<'r, User>;
