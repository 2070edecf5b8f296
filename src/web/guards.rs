//! The request guards of `rocket_login` for this app's users.

use crate::accounts::User;

/// The current user, who can be anonymous.
pub type CurrentUser = rocket_login::CurrentUser<User>;

/// The current user. Only logged-in users pass.
pub type RequiredUser = rocket_login::RequiredUser<User>;

/// The current user. Only users who entered their password recently pass.
pub type FreshUser = rocket_login::FreshUser<User>;

/// The login of the request, to log in and out.
pub type Login<'r> = rocket_login::Login<'r, User>;
