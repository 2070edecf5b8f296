//! Logging in.

use rocket::response::{Flash, Redirect};
use rocket::{FromForm, State, get, post};
use rocket_login::{Next, Remember};

use super::dashboard;
use crate::authenticate::{Authenticator, Denied};
use crate::error::Error;
use crate::events::{Event, Events, Why};
use crate::form::Form;
use crate::guards::{CurrentUser, Login};
use crate::guesses::Door;
use crate::page::Page;
use crate::passwords::Password;

/// What a user hands over to be known.
#[derive(FromForm)]
pub struct Credentials<'r> {
    #[field(default = "")]
    username: &'r str,
    password: Password,
    remember: Remember,
    next: Option<Next>,
}

#[get("/login?<next>")]
pub fn login_form(visitor: CurrentUser, next: Option<Next>) -> Result<Page, Error> {
    match visitor.user() {
        Some(_) => Err(dashboard::instead()),
        None => Ok(form("", next.as_ref())),
    }
}

#[post("/login?<next>", data = "<form>")]
pub async fn log_in(
    next: Option<Next>,
    form: Form<Credentials<'_>>,
    authenticator: &State<Authenticator>,
    login: Login<'_>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if login.user().is_some() {
        return Err(dashboard::instead());
    }
    let next = form.next.clone().or(next);
    let again = || self::form(form.username, next.as_ref());
    let user = authenticator
        .authenticate(Door::Login, form.username, &form.password, &events)
        .await
        .map_err(|denied| denied.on(again(), "Invalid username or password."))?;
    let id = user.id;
    let why = if user.is_active { Why::PasswordChanged } else { Why::Inactive };
    if !login.log_in(user, form.remember).await? {
        events.record(Event::LoginRefused { user: id, why });
        return Err(Denied::Wrong.on(again(), "Invalid username or password."));
    }
    let page = dashboard::or(next);
    Ok(Flash::success(page, "Login successful."))
}

fn form(username: &str, next: Option<&Next>) -> Page {
    Page::new("login").with("username", username).with("next", next)
}
