//! Making an account, which is a login too.

use rocket::response::{Flash, Redirect};
use rocket::{FromForm, State, get, post, uri};
use rocket_login::Remember;

use super::dashboard;
use crate::error::Error;
use crate::events::{Event, Events};
use crate::form::Form;
use crate::guards::{CurrentUser, Login};
use crate::page::Page;
use crate::passwords::{Password, Passwords};
use crate::sessions::Sessions;
use crate::users::{NewUser, Username};

/// What a visitor hands over to become a user.
#[derive(FromForm)]
pub struct Registration<'r> {
    #[field(default = "")]
    username: &'r str,
    password: Password,
}

#[get("/register")]
pub fn registration(visitor: CurrentUser) -> Result<Page, Error> {
    match visitor.user() {
        Some(_) => Err(dashboard::instead()),
        None => Ok(form("")),
    }
}

#[post("/register", data = "<form>")]
pub async fn register(
    form: Form<Registration<'_>>,
    login: Login<'_>,
    passwords: &State<Passwords>,
    sessions: &State<Sessions>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    if login.user().is_some() {
        return Err(dashboard::instead());
    }
    let again = || self::form(form.username);
    let username = match (Username::parse(form.username), form.password.check(form.username)) {
        (Ok(username), Ok(())) => username,
        (username, password) => {
            let form = again().complaint("username", username.err());
            return Err(form.complaint("password", password.err()).into());
        }
    };
    let password_hash = passwords.hash(&form.password).await?;
    let session = login.new_session(Remember::No);
    let new = NewUser { username, password_hash };
    let Some((user, token)) = sessions.register(new, &session).await? else {
        let taken = "Somebody else has that name. Choose another.";
        return Err(again().complaint("username", Some(taken)).into());
    };
    events.record(Event::Registered { user: user.id });
    login.log_in_with_session(user, token, session).await?;
    Ok(Flash::success(Redirect::to(uri!(dashboard::dashboard)), "Your account is ready."))
}

fn form(username: &str) -> Page {
    Page::new("register").with("username", username)
}
