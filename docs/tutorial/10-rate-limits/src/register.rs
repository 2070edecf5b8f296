use rocket::form::Form;
use rocket::response::{Flash, Redirect};
use rocket::{Either, FromForm, State, get, post, uri};
use rocket_login::Remember;

use crate::db::Db;
use crate::error::Error;
use crate::guards::{CurrentUser, Login};
use crate::page::Page;
use crate::validation::{Errors, validate};
use crate::{login, passwords, users};

#[get("/register")]
pub fn register_form(user: CurrentUser) -> Either<Redirect, Page> {
    match user.is_authenticated() {
        true => Either::Left(Redirect::to(uri!(login::dashboard))),
        false => Either::Right(Page::new("register")),
    }
}

#[derive(FromForm)]
pub struct Registration {
    username: String,
    password: String,
}

#[post("/register", data = "<form>")]
pub async fn register(
    form: Form<Registration>,
    db: &State<Db>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, Error> {
    let Registration { username, password } = form.into_inner();
    let page = Page::new("register").with("username", &username);
    let errors = validate(&username, &password);
    if !errors.is_empty() {
        return Err(Error::Invalid(page.with("errors", errors)));
    }
    let hash = passwords::hash(password).await?;
    let Some(user) = users::add(db, username, hash).await? else {
        let errors = Errors::from([("username", "This username is taken.")]);
        return Err(Error::Invalid(page.with("errors", errors)));
    };
    login.log_in(user, Remember::No).await?;
    Ok(Flash::success(Redirect::to(uri!(login::dashboard)), "Your account has been created."))
}
