//! Changing the password, which signs out every other device.

use rocket::response::{Flash, Redirect};
use rocket::{FromForm, State, get, post, uri};
use rocket_login::AuthError;

use super::account;
use crate::error::Error;
use crate::events::{Event, Events};
use crate::form::Form;
use crate::guards::{FreshUser, Login};
use crate::page::Page;
use crate::passwords::{Password, Passwords};
use crate::sessions::Sessions;

/// The password that shall count from now on.
#[derive(FromForm)]
pub struct Change {
    new_password: Password,
}

#[get("/account/password")]
pub fn password_form(_user: FreshUser) -> Page {
    Page::new("password")
}

#[post("/account/password", data = "<change>")]
pub async fn change_password(
    user: FreshUser,
    change: Form<Change>,
    login: Login<'_>,
    passwords: &State<Passwords>,
    sessions: &State<Sessions>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if let Err(complaint) = change.new_password.check(&user.username) {
        return Err(Page::new("password").complaint("new_password", Some(complaint)).into());
    }
    let hash = passwords.hash(&change.new_password).await?;
    let Some(token) = sessions.change_password(user.id, hash, login.session_id()).await? else {
        return Err(AuthError::Unauthorized.into());
    };
    login.replace_session(token);
    events.record(Event::PasswordChanged { user: user.id });
    let account = Redirect::to(uri!(account::account));
    Ok(Flash::success(account, "Your password is changed, and every other device is signed out."))
}

/// Where password managers look for the form (W3C, A Well-Known URL for Changing Passwords).
#[get("/.well-known/change-password")]
pub fn well_known() -> Redirect {
    Redirect::to(uri!(password_form))
}
