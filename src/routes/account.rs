//! The account page, which lists the user's sessions with buttons to revoke them.

use rocket::http::Status;
use rocket::response::{Flash, Redirect};
use rocket::{Route, State, get, post, routes, uri};
use rocket_login::AuthError;

use crate::accounts::Accounts;
use crate::web::error::Error;
use crate::web::events::{Event, Events};
use crate::web::guards::{Login, RequiredUser};
use crate::web::page::Page;

pub fn routes() -> Vec<Route> {
    routes![account, revoke, revoke_others]
}

#[get("/account")]
pub async fn account(
    user: RequiredUser,
    login: Login<'_>,
    accounts: &State<Accounts>,
) -> Result<Page, Error> {
    let (sessions, count) = accounts.sessions(user.id, login.session_id()).await?;
    let page = Page::new("account").with("sessions", sessions);
    let page = page.with("session_count", count);
    Ok(page.with("session_limit", Accounts::MAX_SESSIONS_PER_USER))
}

#[post("/account/sessions/<id>/revoke")]
async fn revoke(
    id: i64,
    user: RequiredUser,
    accounts: &State<Accounts>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    // Another user's session gets the same 404 as an unknown id, so that the response does not reveal
    // which ids exist.
    if !accounts.revoke_session(user.id, id).await? {
        return Err(Error::Status(Status::NotFound));
    }
    events.record(Event::SessionsRevoked { user: user.id, count: 1 });
    Ok(Flash::success(Redirect::to(uri!(account)), "The device has been logged out."))
}

#[post("/account/sessions/revoke-others")]
async fn revoke_others(
    user: RequiredUser,
    login: Login<'_>,
    accounts: &State<Accounts>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    let token = login.session_id().ok_or(AuthError::Unauthorized)?;
    let count = accounts.revoke_other_sessions(user.id, &token).await?;
    events.record(Event::SessionsRevoked { user: user.id, count });
    Ok(match count {
        0 => {
            Flash::new(Redirect::to(uri!(account)), "info", "You have no other devices to log out.")
        }
        _ => Flash::success(Redirect::to(uri!(account)), "All other devices have been logged out."),
    })
}
