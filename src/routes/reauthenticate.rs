//! Typing the password again, for what a borrowed browser should not do.

use rocket::response::Redirect;
use rocket::{FromForm, State, get, post};

use super::dashboard;
use crate::authenticate::Authenticator;
use crate::error::Error;
use crate::events::Events;
use crate::form::Form;
use crate::guesses::Door;
use crate::login::{Login, Next, RequiredUser};
use crate::page::Page;
use crate::passwords::Password;
use crate::users::User;

/// What a user hands over to be known for sure.
#[derive(FromForm)]
pub struct Proof {
    password: Password,
    next: Option<Next>,
}

#[get("/reauthenticate?<next>")]
pub fn proof_form(_user: RequiredUser<User>, next: Option<Next>) -> Page {
    form(next.as_ref())
}

#[post("/reauthenticate?<next>", data = "<proof>")]
pub async fn reauthenticate(
    next: Option<Next>,
    user: RequiredUser<User>,
    proof: Form<Proof>,
    authenticator: &State<Authenticator>,
    login: Login<'_, User>,
    events: Events<'_>,
) -> Result<Redirect, Error> {
    let next = proof.next.clone().or(next);
    authenticator
        .authenticate(Door::Reauthentication, &user.username, &proof.password, &events)
        .await
        .map_err(|denied| denied.on(form(next.as_ref()), "That is not your password."))?;
    login.confirm().await?;
    Ok(dashboard::or(next))
}

fn form(next: Option<&Next>) -> Page {
    Page::new("reauthenticate").with("next", next)
}
