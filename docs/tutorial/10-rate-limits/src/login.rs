use std::net::IpAddr;

use rocket::form::Form;
use rocket::request::FlashMessage;
use rocket::response::{Flash, Redirect};
use rocket::{Either, FromForm, State, get, post, uri};
use rocket_login::{Clock, Next, Remember};

use crate::db::Db;
use crate::error::Error;
use crate::guards::{CurrentUser, Login, RequiredUser};
use crate::page::Page;
use crate::throttle::{PER_ADDRESS, PER_USERNAME, Throttle};
use crate::{passwords, users};

#[get("/login?<next>")]
pub fn login_form(
    user: CurrentUser,
    next: Option<Next>,
    flash: Option<FlashMessage<'_>>,
) -> Either<Redirect, Page> {
    if user.is_authenticated() {
        return Either::Left(Redirect::to(uri!(dashboard)));
    }
    Either::Right(Page::new("login").with("next", next).with("flash", flash))
}

#[derive(FromForm)]
pub struct Credentials {
    username: String,
    password: String,
    remember: Remember,
    next: Option<Next>,
}

#[post("/login", data = "<form>")]
pub async fn log_in(
    form: Form<Credentials>,
    address: IpAddr,
    throttle: &State<Throttle>,
    clock: &State<Clock>,
    db: &State<Db>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, Error> {
    let Credentials { username, password, remember, next } = form.into_inner();
    let name: String = username.to_lowercase().chars().take(32).collect();
    let (by_name, by_address) = (format!("login {name}"), format!("login from {address}"));
    throttle.begin(&by_address, PER_ADDRESS, clock.now()).map_err(Error::Throttled)?;
    throttle.begin(&by_name, PER_USERNAME, clock.now()).map_err(Error::Throttled)?;
    let user = users::find(db, username).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_correct = passwords::verify(password, hash).await.inspect_err(|_| {
        throttle.take_back(&by_name, 1);
        throttle.take_back(&by_address, 1);
    })?;
    if let Some(user) = user
        && is_correct
        && login.log_in(user, remember).await?
    {
        throttle.take_back(&by_name, u32::MAX);
        throttle.take_back(&by_address, 1);
        let page = next.map_or_else(|| Redirect::to(uri!(dashboard)), Redirect::from);
        return Ok(Flash::success(page, "Login successful."));
    }
    let form = Redirect::to(uri!(login_form(next)));
    Ok(Flash::new(form, "danger", "Invalid username or password."))
}

#[get("/dashboard")]
pub fn dashboard(_user: RequiredUser, flash: Option<FlashMessage<'_>>) -> Page {
    Page::new("dashboard").with("flash", flash)
}

#[post("/logout")]
pub async fn log_out(login: Login<'_>) -> Result<Flash<Redirect>, Error> {
    login.log_out().await?;
    Ok(Flash::new(Redirect::to("/"), "info", "You have been logged out."))
}
