//! The registration page, which also logs the new user in.

use rocket::form::Form;
use rocket::response::{Flash, Redirect};
use rocket::{FromForm, Route, State, get, post, routes};
use rocket_login::Remember;

use super::login::{after_login, already_logged_in};
use crate::accounts::{Accounts, Client, Password, Username};
use crate::web::error::Error;
use crate::web::events::{Event, Events};
use crate::web::guards::{CurrentUser, Login};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![register_form, register]
}

#[derive(FromForm)]
struct RegisterForm<'r> {
    #[field(default = "")]
    username: &'r str,
    password: Password,
}

#[get("/register")]
fn register_form(current: CurrentUser) -> Result<Page, Error> {
    match current.user() {
        Some(_) => Err(already_logged_in()),
        None => Ok(page("")),
    }
}

#[post("/register", data = "<form>")]
async fn register(
    form: Form<RegisterForm<'_>>,
    accounts: &State<Accounts>,
    client: Client,
    login: Login<'_>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if login.user().is_some() {
        return Err(already_logged_in());
    }
    let valid = (Username::parse(form.username), form.password.validate(form.username));
    let (Ok(username), Ok(())) = valid else {
        let page = page(form.username).field_error("username", valid.0.err());
        return Err(page.field_error("password", valid.1.err()).into());
    };
    let session = login.new_session(Remember::No);
    let registered = accounts.register(username, &form.password, &session, &client).await;
    let registered = registered.map_err(|error| {
        events.record_throttled(&error, |retry_after| Event::RegistrationThrottled { retry_after });
        error.into_form(page(form.username))
    })?;
    let Some((user, token)) = registered else {
        let taken = "This username is taken. Choose another one.";
        return Err(page(form.username).field_error("username", Some(taken)).into());
    };
    events.record(Event::Registered { user: user.id });
    login.log_in_with_session(user, token, session).await?;
    Ok(Flash::success(after_login(None), "Your account has been created."))
}

fn page(username: &str) -> Page {
    Page::new("register").with("username", username)
}
