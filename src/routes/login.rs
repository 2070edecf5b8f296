//! The login page.

use rocket::form::Form;
use rocket::response::{Flash, Redirect};
use rocket::{FromForm, Route, State, get, post, routes, uri};
use rocket_login::{Next, Remember};

use super::dashboard;
use crate::accounts::{Accounts, AttemptKind, Client, CredentialsError, FailureReason, Password};
use crate::web::error::Error;
use crate::web::events::Events;
use crate::web::guards::{CurrentUser, Login};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![login_form, log_in]
}

#[derive(FromForm)]
struct LoginForm<'r> {
    #[field(default = "")]
    username: &'r str,
    password: Password,
    remember: Remember,
    next: Option<Next>,
}

#[get("/login?<next>")]
fn login_form(current: CurrentUser, next: Option<Next>) -> Result<Page, Error> {
    match current.user() {
        Some(_) => Err(already_logged_in()),
        None => Ok(page("", next.as_ref())),
    }
}

#[post("/login?<next>", data = "<form>")]
async fn log_in(
    next: Option<Next>,
    form: Form<LoginForm<'_>>,
    accounts: &State<Accounts>,
    client: Client,
    login: Login<'_>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if login.user().is_some() {
        return Err(already_logged_in());
    }
    let next = form.next.clone().or(next);
    let failed = |error: CredentialsError| {
        events.record_failure(AttemptKind::Login, &error);
        let remember = form.remember != Remember::No;
        let page = page(form.username, next.as_ref()).with("remember", remember);
        error.into_form(page, "Invalid username or password.")
    };
    let user = accounts
        .authenticate(AttemptKind::Login, form.username, &form.password, &client)
        .await
        .map_err(failed)?;
    let user_id = user.id;
    if !login.log_in(user, form.remember).await? {
        let reason = FailureReason::UserChanged;
        return Err(failed(CredentialsError::Failed { user: Some(user_id), reason }));
    }
    Ok(Flash::success(after_login(next), "Login successful."))
}

fn page(username: &str, next: Option<&Next>) -> Page {
    Page::new("login").with("username", username).with("next", next)
}

/// Redirects to `next`, or to the dashboard if there is no `next`.
pub fn after_login(next: Option<Next>) -> Redirect {
    next.map_or_else(|| Redirect::to(uri!(dashboard::dashboard)), Redirect::from)
}

/// Redirects a user who is already logged in to the dashboard.
pub fn already_logged_in() -> Error {
    Redirect::to(uri!(dashboard::dashboard)).into()
}
