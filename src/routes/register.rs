//! Making an account, which is a login too.

use rocket::form::Form;
use rocket::http::Status;
use rocket::response::{Flash, Redirect};
use rocket::{FromForm, State, get, post, uri};
use serde::Serialize;

use super::dashboard;
use crate::db::Db;
use crate::error::Error;
use crate::events::{Event, Events};
use crate::login::{Login, Remember};
use crate::page::Page;
use crate::passwords::{Password, Passwords};
use crate::users::{self, User, Username};

/// What a visitor hands over to become a user.
#[derive(FromForm)]
pub struct Registration<'r> {
    #[field(default = "")]
    username: &'r str,
    password: Password,
}

#[get("/register")]
pub fn registration(login: Login<'_, User>) -> Result<Page, Error> {
    match login.user() {
        Some(_) => Err(Error::SignedIn),
        None => Ok(form("", Complaints::default())),
    }
}

#[post("/register", data = "<form>")]
pub async fn register(
    form: Form<Registration<'_>>,
    login: Login<'_, User>,
    db: &State<Db>,
    passwords: &State<Passwords>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if login.user().is_some() {
        return Err(Error::SignedIn);
    }
    let password = form.password.check(form.username);
    let username = match (Username::parse(form.username), password) {
        (Ok(username), Ok(())) => username,
        (username, password) => return Err(refused(&form, username.err(), password.err())),
    };
    let hash = passwords.hash(&form.password).await?;
    let Some(user) = users::add(db, username, hash).await? else {
        return Err(refused(&form, Some("Somebody else has that name. Choose another."), None));
    };
    events.record(Event::Registered { user: user.id });
    login.log_in(user, Remember::No).await?;
    Ok(Flash::success(Redirect::to(uri!(dashboard::dashboard)), "Your account is ready."))
}

/// What is wrong with each field.
#[derive(Default, Serialize)]
struct Complaints {
    username: Option<&'static str>,
    password: Option<&'static str>,
}

fn form(username: &str, complaints: Complaints) -> Page {
    Page::new("register").with("username", &username).with("complaints", &complaints)
}

fn refused(
    form: &Registration<'_>,
    username: Option<&'static str>,
    password: Option<&'static str>,
) -> Error {
    let complaints = Complaints { username, password };
    self::form(form.username, complaints).status(Status::UnprocessableEntity).into()
}
