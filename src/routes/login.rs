//! Logging in.

use rocket::form::Form;
use rocket::http::Status;
use rocket::response::{Flash, Redirect};
use rocket::{FromForm, State, get, post, uri};

use super::dashboard;
use crate::authenticate::authenticate;
use crate::db::Db;
use crate::error::Error;
use crate::login::{Login, Next, Remember};
use crate::page::Page;
use crate::passwords::{Password, Passwords};
use crate::users::User;

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
pub fn login_form(login: Login<'_, User>, next: Option<Next>) -> Result<Page, Error> {
    match login.user() {
        Some(_) => Err(Error::SignedIn),
        None => Ok(form("", next.as_ref())),
    }
}

#[post("/login", data = "<form>")]
pub async fn log_in(
    form: Form<Credentials<'_>>,
    login: Login<'_, User>,
    db: &State<Db>,
    passwords: &State<Passwords>,
) -> Result<Flash<Redirect>, Error> {
    if login.user().is_some() {
        return Err(Error::SignedIn);
    }
    let user = authenticate(db, passwords, form.username, &form.password).await?;
    if let Some(user) = user
        && login.log_in(user, form.remember).await?
    {
        let next = form.into_inner().next;
        let page = next.map_or_else(|| Redirect::to(uri!(dashboard::dashboard)), Redirect::from);
        return Ok(Flash::success(page, "Login successful."));
    }
    // The same for an unknown name, a wrong password and a deactivated user.
    let again = self::form(form.username, form.next.as_ref());
    let again = again.status(Status::UnprocessableEntity);
    Err(again.flash("danger", "Invalid username or password.").into())
}

fn form(username: &str, next: Option<&Next>) -> Page {
    Page::new("login").with("username", &username).with("next", &next)
}
