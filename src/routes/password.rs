//! The password page. A password change logs out all other devices.

use rocket::form::Form;
use rocket::response::{Flash, Redirect};
use rocket::{FromForm, Route, State, get, post, routes, uri};
use rocket_login::AuthError;

use super::account;
use crate::accounts::{Accounts, Password};
use crate::web::client::DeviceCookie;
use crate::web::error::Error;
use crate::web::events::{Event, Events};
use crate::web::guards::{FreshUser, Login};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![password_form, change_password, well_known]
}

#[derive(FromForm)]
struct PasswordForm {
    new_password: Password,
}

#[get("/account/password")]
fn password_form(_user: FreshUser) -> Page {
    Page::new("password")
}

#[post("/account/password", data = "<form>")]
async fn change_password(
    user: FreshUser,
    form: Form<PasswordForm>,
    accounts: &State<Accounts>,
    device: DeviceCookie<'_>,
    login: Login<'_>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if let Err(error) = form.new_password.validate(&user.username) {
        return Err(Page::new("password").field_error("new_password", Some(error)).into());
    }
    let token = login.session_id().ok_or(AuthError::Unauthorized)?;
    let changed = accounts.change_password(user.id, &form.new_password, &token).await;
    let changed = changed.map_err(|error| {
        let throttled = |retry_after| Event::PasswordChangeThrottled { user: user.id, retry_after };
        events.record_throttled(&error, throttled);
        error.into_form(Page::new("password"))
    })?;
    let (user, token) = changed.ok_or(AuthError::Unauthorized)?;
    login.replace_session(token);
    device.record_login(&user);
    events.record(Event::PasswordChanged { user: user.id });
    let message = "Your password has been changed. All other devices are logged out.";
    Ok(Flash::success(Redirect::to(uri!(account::account)), message))
}

/// Redirects password managers to the page (W3C, "A Well-Known URL for Changing Passwords").
#[get("/.well-known/change-password")]
fn well_known() -> Redirect {
    Redirect::to(uri!(password_form))
}
