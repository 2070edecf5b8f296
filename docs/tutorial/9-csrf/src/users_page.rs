use rocket::{State, get};

use crate::db::Db;
use crate::error::Error;
use crate::guards::Admin;
use crate::page::Page;
use crate::users;

#[get("/users")]
pub async fn users_page(_admin: Admin, db: &State<Db>) -> Result<Page, Error> {
    Ok(Page::new("users").with("users", users::newest(db).await?))
}
