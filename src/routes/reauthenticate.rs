//! The page where users enter their password again before they open a sensitive page.

use rocket::form::Form;
use rocket::response::Redirect;
use rocket::{FromForm, Route, State, get, post, routes};
use rocket_login::{AuthError, Next};

use super::login::after_login;
use crate::accounts::{Accounts, AttemptKind, Client, Password};
use crate::web::error::Error;
use crate::web::events::Events;
use crate::web::guards::{Login, RequiredUser};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![reauthenticate_form, reauthenticate]
}

#[derive(FromForm)]
struct ReauthenticateForm {
    password: Password,
    next: Option<Next>,
}

#[get("/reauthenticate?<next>")]
fn reauthenticate_form(_user: RequiredUser, next: Option<Next>, login: Login<'_>) -> Page {
    page(next.as_ref(), &login)
}

#[post("/reauthenticate?<next>", data = "<form>")]
async fn reauthenticate(
    next: Option<Next>,
    user: RequiredUser,
    form: Form<ReauthenticateForm>,
    accounts: &State<Accounts>,
    client: Client,
    login: Login<'_>,
    events: Events<'_>,
) -> Result<Redirect, Error> {
    let next = form.next.clone().or(next);
    let kind = AttemptKind::Reauthentication;
    accounts.authenticate(kind, &user.username, &form.password, &client).await.map_err(
        |error| {
            events.record_failure(kind, &error);
            error.into_form(page(next.as_ref(), &login), "Invalid password.")
        },
    )?;
    if !login.confirm().await? {
        return Err(AuthError::Unauthorized.into());
    }
    Ok(after_login(next))
}

fn page(next: Option<&Next>, login: &Login<'_>) -> Page {
    Page::new("reauthenticate").with("next", next).with("fresh_for", login.fresh_for())
}
