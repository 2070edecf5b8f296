use diesel::prelude::*;
use serde::Serialize;

use crate::db::Db;
use crate::error::Error;
use crate::schema::users;

#[derive(Queryable, Selectable, Serialize)]
pub struct User {
    pub id: i32,
    pub username: String,
    #[serde(skip)]
    pub password_hash: String,
    pub is_active: bool,
}

pub async fn add(db: &Db, username: String, password_hash: String) -> Result<(), Error> {
    db.run(move |connection| {
        let user = (users::username.eq(username), users::password_hash.eq(password_hash));
        diesel::insert_into(users::table).values(user).execute(connection)
    })
    .await?;
    Ok(())
}

pub async fn find(db: &Db, username: String) -> Result<Option<User>, Error> {
    db.run(move |connection| {
        let user = users::table.filter(users::username.eq(username));
        user.select(User::as_select()).first(connection).optional()
    })
    .await
}
