use rocket::request::FlashMessage;
use rocket::response::{Flash, Redirect};
use rocket::{State, get, post, uri};
use rocket_login::Clock;

use crate::db::Db;
use crate::error::Error;
use crate::guards::{Login, RequiredUser};
use crate::page::Page;
use crate::sessions;

#[get("/devices")]
pub async fn devices(
    user: RequiredUser,
    login: Login<'_>,
    flash: Option<FlashMessage<'_>>,
    db: &State<Db>,
    clock: &State<Clock>,
) -> Result<Page, Error> {
    let token = login.session_id().unwrap_or_default();
    let sessions = sessions::list(db, user.id, &token, clock.now()).await?;
    Ok(Page::new("devices").with("sessions", sessions).with("flash", flash))
}

#[post("/devices/<id>/log-out")]
pub async fn log_out_device(
    id: i32,
    user: RequiredUser,
    db: &State<Db>,
) -> Result<Option<Flash<Redirect>>, Error> {
    let ended = sessions::revoke(db, id, user.id).await?;
    Ok(ended.then(|| Flash::success(Redirect::to(uri!(devices)), "The device is logged out.")))
}
