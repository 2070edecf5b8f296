use rocket::Request;
use rocket::http::Status;
use rocket::outcome::try_outcome;
use rocket::request::{FromRequest, Outcome};
use rocket_login::AuthError;

use crate::users::User;

pub type CurrentUser = rocket_login::CurrentUser<User>;
pub type RequiredUser = rocket_login::RequiredUser<User>;
pub type FreshUser = rocket_login::FreshUser<User>;
pub type Login<'r> = rocket_login::Login<'r, User>;

/// A user who is named in the setting `admins`.
pub struct Admin;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = AuthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, AuthError> {
        let user = try_outcome!(request.guard::<RequiredUser>().await);
        let admins = request.rocket().figment().extract_inner::<Vec<String>>("admins");
        match admins.unwrap_or_default().contains(&user.username) {
            true => Outcome::Success(Admin),
            false => Outcome::Error((Status::Forbidden, AuthError::Forbidden)),
        }
    }
}
