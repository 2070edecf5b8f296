use diesel::prelude::*;
use serde::Serialize;

use crate::db::Db;
use crate::error::Error;
use crate::schema::{sessions, users};
use crate::sessions::hash_token;
use crate::validation::is_username;

#[derive(Queryable, Selectable, Serialize)]
pub struct User {
    pub id: i32,
    pub username: String,
    #[serde(skip)]
    pub password_hash: String,
    pub is_active: bool,
}

/// Adds a user. Returns `None` if the username is taken.
pub async fn add(db: &Db, username: String, password_hash: String) -> Result<Option<User>, Error> {
    db.run(move |connection| {
        diesel::insert_into(users::table)
            .values((users::username.eq(username), users::password_hash.eq(password_hash)))
            .on_conflict_do_nothing()
            .returning(User::as_returning())
            .get_result(connection)
            .optional()
    })
    .await
}

pub async fn find(db: &Db, username: String) -> Result<Option<User>, Error> {
    if !is_username(&username) {
        return Ok(None);
    }
    db.run(move |connection| {
        let user = users::table.filter(users::username.eq(username));
        user.select(User::as_select()).first(connection).optional()
    })
    .await
}

/// Changes the password, and ends all sessions of the user except the one with this token.
pub async fn change_password(
    db: &Db,
    id: i32,
    password_hash: String,
    token: String,
) -> Result<(), Error> {
    db.run(move |connection| {
        connection.transaction(|connection| {
            let user = diesel::update(users::table.find(id));
            user.set(users::password_hash.eq(password_hash)).execute(connection)?;
            let others = sessions::table
                .filter(sessions::user_id.eq(id))
                .filter(sessions::token_hash.ne(hash_token(&token)));
            diesel::delete(others).execute(connection)
        })
    })
    .await?;
    Ok(())
}

/// Returns the newest users, at most 100.
pub async fn newest(db: &Db) -> Result<Vec<User>, Error> {
    db.run(|connection| {
        let users = users::table.order(users::id.desc()).limit(100);
        users.select(User::as_select()).load(connection)
    })
    .await
}
