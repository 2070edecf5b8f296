//! Actions of the flight plan, for steps that would otherwise need a second device, a wait of 15 minutes
//! or the browser's developer tools.

use rocket::http::{Cookie, CookieJar, Status};
use rocket::request::{FromRequest, Outcome};
use rocket::response::{Flash, Redirect};
use rocket::serde::json::{self, Value};
use rocket::time::OffsetDateTime;
use rocket::{Request, Route, State, async_trait, post, routes};
use rocket_login::{AuthError, LoginStore, Remember};

use super::session;
use crate::accounts::Accounts;
use crate::web::error::Error;
use crate::web::guards::{Login, RequiredUser};

/// The steps of the flight plan, in order.
pub const STEPS: [&str; 6] = [
    "unauthorized",
    "registered",
    "logged_in_again",
    "sessions_revoked",
    "reauthenticated",
    "copy_rejected",
];

/// The `User-Agent` of the simulated phone.
const PHONE_USER_AGENT: &str =
    "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";

/// The cookie that holds a copy of the session cookie.
const COPY_COOKIE: &str = "demo_copy";

pub fn routes() -> Vec<Route> {
    routes![log_in_from_phone, make_login_stale, copy_cookie, put_back]
}

/// Returns whether the browser has a copy of a session cookie.
pub fn has_copy(request: &Request<'_>) -> bool {
    let copy = session::demo_cookie(request.rocket(), COPY_COOKIE);
    copy.is_some_and(|copy| request.cookies().get(copy.name()).is_some())
}

/// Begins a session with the `User-Agent` of a phone. No browser receives its token.
#[post("/demo/phone")]
async fn log_in_from_phone(
    user: RequiredUser,
    login: Login<'_>,
    accounts: &State<Accounts>,
) -> Result<Flash<Redirect>, Error> {
    let mut session = login.new_session(Remember::No);
    session.user_agent = PHONE_USER_AGENT;
    accounts.begin_session(&user, &session).await?.ok_or(AuthError::Unauthorized)?;
    Ok(Flash::success(Redirect::to("/account"), "A phone has logged in to your account."))
}

/// Sets the time of the last authentication in the session cookie back, so that the login is not fresh.
#[post("/demo/age")]
fn make_login_stale(
    _user: RequiredUser,
    login: Login<'_>,
    jar: &CookieJar<'_>,
    empty: EmptyCookies,
) -> Result<Redirect, Error> {
    let mut cookie = empty.session;
    let content = jar.get_private(cookie.name()).ok_or(AuthError::Unauthorized)?;
    let content = json::from_str(content.value());
    let mut content: Value = content.map_err(|_| AuthError::Unauthorized)?;
    if let Some(time) = content["confirmed"].as_i64() {
        content["confirmed"] = (time - i64::from(login.fresh_for()) - 60).into();
    }
    cookie.set_value(content.to_string());
    let expires_at = login.expires_at().filter(|_| login.is_remembered());
    // Without `None`, a private cookie of Rocket expires after a week.
    cookie.set_expires(expires_at.and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok()));
    jar.add_private(cookie);
    Ok(Redirect::to("/account/password"))
}

/// Copies the session cookie, as a thief would. The copy is a cookie too, and not kept on the server.
#[post("/demo/copy")]
fn copy_cookie(
    _user: RequiredUser,
    jar: &CookieJar<'_>,
    empty: EmptyCookies,
) -> Result<Flash<Redirect>, Error> {
    let session = jar.get(empty.session.name()).ok_or(AuthError::Unauthorized)?;
    let mut copy = empty.copy;
    copy.set_value(session.value().to_owned());
    jar.add(copy);
    Ok(Flash::success(
        Redirect::to("/"),
        "Your session cookie has been copied. Log out, and put the copy back.",
    ))
}

/// Replaces the session cookie with the copy.
#[post("/demo/put-back")]
fn put_back(jar: &CookieJar<'_>, empty: EmptyCookies) -> Redirect {
    let EmptyCookies { mut session, copy } = empty;
    if let Some(value) = jar.get(copy.name()) {
        session.set_value(value.value().to_owned());
        jar.add(session);
        jar.remove(copy);
    }
    Redirect::to("/dashboard")
}

/// The session cookie and its copy as the app sets them, without values.
struct EmptyCookies {
    session: Cookie<'static>,
    copy: Cookie<'static>,
}

#[async_trait]
impl<'r> FromRequest<'r> for EmptyCookies {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let rocket = request.rocket();
        match session::cookie(rocket).zip(session::demo_cookie(rocket, COPY_COOKIE)) {
            Some((session, copy)) => Outcome::Success(EmptyCookies { session, copy }),
            None => Outcome::Error((Status::InternalServerError, ())),
        }
    }
}
