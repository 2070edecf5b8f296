use crate::users::User;

pub type CurrentUser = rocket_login::CurrentUser<User>;
pub type RequiredUser = rocket_login::RequiredUser<User>;
pub type Login<'r> = rocket_login::Login<'r, User>;
