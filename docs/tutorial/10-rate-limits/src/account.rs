use rocket::form::Form;
use rocket::request::FlashMessage;
use rocket::response::{Flash, Redirect};
use rocket::{FromForm, State, get, post, uri};

use rocket_login::{Clock, Next};

use crate::db::Db;
use crate::error::Error;
use crate::guards::{FreshUser, Login, RequiredUser};
use crate::page::Page;
use crate::throttle::{PER_USERNAME, Throttle};
use crate::validation::validate;
use crate::{login, passwords, users};

#[get("/password")]
pub fn password_form(_user: FreshUser, flash: Option<FlashMessage<'_>>) -> Page {
    Page::new("password").with("flash", flash)
}

#[derive(FromForm)]
pub struct NewPassword {
    password: String,
}

#[post("/password", data = "<form>")]
pub async fn change_password(
    user: FreshUser,
    form: Form<NewPassword>,
    db: &State<Db>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, Error> {
    let password = form.into_inner().password;
    let errors = validate(&user.username, &password);
    if !errors.is_empty() {
        return Err(Error::Invalid(Page::new("password").with("errors", errors)));
    }
    let hash = passwords::hash(password).await?;
    let token = login.session_id().unwrap_or_default();
    users::change_password(db, user.id, hash, token).await?;
    login.confirm().await?;
    Ok(Flash::success(Redirect::to(uri!(login::dashboard)), "Your password has been changed."))
}

#[get("/reauthenticate?<next>")]
pub fn reauthenticate_form(
    _user: RequiredUser,
    next: Option<Next>,
    flash: Option<FlashMessage<'_>>,
) -> Page {
    Page::new("reauthenticate").with("next", next).with("flash", flash)
}

#[derive(FromForm)]
pub struct Reauthentication {
    password: String,
    next: Option<Next>,
}

#[post("/reauthenticate", data = "<form>")]
pub async fn reauthenticate(
    user: RequiredUser,
    form: Form<Reauthentication>,
    throttle: &State<Throttle>,
    clock: &State<Clock>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, Error> {
    let Reauthentication { password, next } = form.into_inner();
    let key = format!("reauthenticate {}", user.id);
    throttle.begin(&key, PER_USERNAME, clock.now()).map_err(Error::Throttled)?;
    let hash = user.password_hash.clone();
    let is_correct = passwords::verify(password, Some(hash))
        .await
        .inspect_err(|_| throttle.take_back(&key, 1))?;
    if is_correct && login.confirm().await? {
        throttle.take_back(&key, u32::MAX);
        let page = next.map_or_else(|| Redirect::to(uri!(login::dashboard)), Redirect::from);
        return Ok(Flash::success(page, "Thank you."));
    }
    let form = Redirect::to(uri!(reauthenticate_form(next)));
    Ok(Flash::new(form, "danger", "Wrong password."))
}
