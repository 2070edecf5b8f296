//! The request guards of `rocket_login` for this app's users.

use rocket::Request;
use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket_login::Settings;

use crate::accounts::User;

/// The current user, who can be anonymous.
pub type CurrentUser = rocket_login::CurrentUser<User>;

/// The current user. Only logged-in users pass.
pub type RequiredUser = rocket_login::RequiredUser<User>;

/// The current user. Only users who entered their password recently pass.
pub type FreshUser = rocket_login::FreshUser<User>;

/// The login of the request, to log in and out.
pub type Login<'r> = rocket_login::Login<'r, User>;

/// The setting `fresh_for`, in seconds.
pub struct FreshFor(pub u32);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for FreshFor {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match Settings::from_figment(request.rocket().figment(), &["idle_timeout"]) {
            Ok(settings) => Outcome::Success(FreshFor(settings.fresh_for.get())),
            Err(_) => Outcome::Error((Status::InternalServerError, ())),
        }
    }
}
