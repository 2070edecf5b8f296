//! A user's account: who they are, and where they are signed in.

use rocket::http::Status;
use rocket::response::{Flash, Redirect};
use rocket::{State, get, post, uri};

use crate::error::Error;
use crate::events::{Event, Events};
use crate::guards::{Login, RequiredUser};
use crate::page::Page;
use crate::sessions::Sessions;

#[get("/account")]
pub async fn account(
    user: RequiredUser,
    login: Login<'_>,
    sessions: &State<Sessions>,
) -> Result<Page, Error> {
    let sessions = sessions.of_user(user.id, login.session_id()).await?;
    Ok(Page::new("account").with("sessions", sessions))
}

#[post("/account/sessions/<id>/revoke")]
pub async fn revoke(
    id: i64,
    user: RequiredUser,
    sessions: &State<Sessions>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    // Somebody else's session is as unknown as one that never was.
    if sessions.end_one(user.id, id).await? == 0 {
        return Err(Error::Status(Status::NotFound));
    }
    events.record(Event::SessionsEnded { user: user.id, count: 1 });
    Ok(Flash::success(Redirect::to(uri!(account)), "That device is signed out."))
}

#[post("/account/sessions/revoke-others")]
pub async fn revoke_others(
    user: RequiredUser,
    login: Login<'_>,
    sessions: &State<Sessions>,
    events: Events<'_>,
) -> Result<Flash<Redirect>, Error> {
    let count = sessions.end_others(user.id, login.session_id()).await?;
    events.record(Event::SessionsEnded { user: user.id, count });
    Ok(Flash::success(Redirect::to(uri!(account)), "Every other device is signed out."))
}
