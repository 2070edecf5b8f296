//! Typing the password again, for what a borrowed browser should not do.

use rocket::response::Redirect;
use rocket::{FromForm, State, get, post};
use rocket_login::{AuthError, Next};

use super::dashboard;
use crate::authenticate::Authenticator;
use crate::error::Error;
use crate::events::Events;
use crate::form::Form;
use crate::guards::{Login, RequiredUser};
use crate::guesses::Door;
use crate::page::Page;
use crate::passwords::Password;

/// What a user hands over to be known for sure.
#[derive(FromForm)]
pub struct Proof {
    password: Password,
    next: Option<Next>,
}

#[get("/reauthenticate?<next>")]
pub fn proof_form(_user: RequiredUser, next: Option<Next>) -> Page {
    form(next.as_ref())
}

#[post("/reauthenticate?<next>", data = "<proof>")]
pub async fn reauthenticate(
    next: Option<Next>,
    user: RequiredUser,
    proof: Form<Proof>,
    authenticator: &State<Authenticator>,
    login: Login<'_>,
    events: Events<'_>,
) -> Result<Redirect, Error> {
    let next = proof.next.clone().or(next);
    authenticator
        .authenticate(Door::Reauthentication, &user.username, &proof.password, &events)
        .await
        .map_err(|denied| denied.on(form(next.as_ref()), "That is not your password."))?;
    if !login.confirm().await? {
        return Err(AuthError::Unauthorized.into());
    }
    Ok(dashboard::or(next))
}

fn form(next: Option<&Next>) -> Page {
    Page::new("reauthenticate").with("next", next)
}
