//! Actions of the flight plan, for steps that would otherwise need a second device, 15 minutes or the
//! browser's developer tools.

use rocket::http::{Cookie, CookieJar, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::response::{Flash, Redirect};
use rocket::{Request, Route, State, async_trait, post, routes};
use rocket_login::{AuthError, LoginOptions, LoginStore, Remember};

use super::session;
use crate::accounts::{Accounts, User};
use crate::web::error::Error;
use crate::web::guards::{Login, RequiredUser};

/// The `User-Agent` of the phone.
const PHONE: &str = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";

/// The cookie that holds a copy of the session cookie.
const COPY: &str = "demo_copy";

pub fn routes() -> Vec<Route> {
    routes![add_phone, age_login, copy_cookie, put_back]
}

/// Returns whether the browser has a copy of a session cookie.
pub fn has_copy(request: &Request<'_>) -> bool {
    request.cookies().get(COPY).is_some()
}

/// Begins a session of a phone. No browser gets its token.
#[post("/demo/phone")]
async fn add_phone(
    user: RequiredUser,
    login: Login<'_>,
    accounts: &State<Accounts>,
) -> Result<Flash<Redirect>, Error> {
    let mut session = login.new_session(Remember::No);
    session.user_agent = PHONE;
    accounts.begin_session(&user, &session).await?.ok_or(AuthError::Unauthorized)?;
    Ok(Flash::success(Redirect::to("/account"), "A phone has logged in to your account."))
}

/// Replaces the session by one whose password was not entered recently.
#[post("/demo/age")]
async fn age_login(user: RequiredUser, login: Login<'_>) -> Result<Flash<Redirect>, Error> {
    let remember = if login.is_remembered() { Remember::Yes } else { Remember::No };
    let options = LoginOptions::from(remember).not_fresh();
    login.log_in(User::clone(&user), options).await?;
    Ok(Flash::success(Redirect::to("/"), "Your login now counts as an old one."))
}

/// Copies the session cookie, as a thief would. The copy is a cookie too, and not kept on the server.
#[post("/demo/copy")]
fn copy_cookie(
    _user: RequiredUser,
    jar: &CookieJar<'_>,
    empty: EmptyCookie,
) -> Result<Flash<Redirect>, Error> {
    let EmptyCookie(mut copy) = empty;
    let session = jar.get(copy.name()).ok_or(AuthError::Unauthorized)?;
    copy.set_value(session.value().to_owned());
    copy.set_name(COPY);
    jar.add(copy);
    Ok(Flash::success(Redirect::to("/"), "Your session cookie has been copied. Now log out."))
}

/// Sets the session cookie to the copy.
#[post("/demo/put-back")]
fn put_back(jar: &CookieJar<'_>, empty: EmptyCookie) -> Redirect {
    let EmptyCookie(mut session) = empty;
    if let Some(copy) = jar.get(COPY) {
        session.set_value(copy.value().to_owned());
        jar.add(session);
        jar.remove(Cookie::build(COPY).path("/"));
    }
    Redirect::to("/dashboard")
}

/// The session cookie as the app sets it, without a value.
struct EmptyCookie(Cookie<'static>);

#[async_trait]
impl<'r> FromRequest<'r> for EmptyCookie {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match session::cookie(request.rocket()) {
            Some(cookie) => Outcome::Success(EmptyCookie(cookie)),
            None => Outcome::Error((Status::InternalServerError, ())),
        }
    }
}
