use diesel::prelude::*;
use rocket_login::{LoginStore, LoginUser};
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

impl LoginUser for User {
    type Store = Db;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn is_active(&self) -> bool {
        self.is_active
    }
}

impl LoginStore for Db {
    type User = User;
    type Error = Error;

    async fn load(&self, id: &str, _now: i64) -> Result<Option<User>, Error> {
        let Ok(id) = id.parse::<i32>() else {
            return Ok(None);
        };
        self.run(move |connection| {
            let user = users::table.find(id).select(User::as_select());
            user.first(connection).optional()
        })
        .await
    }
}

pub async fn find(db: &Db, username: String) -> Result<Option<User>, Error> {
    db.run(move |connection| {
        let user = users::table.filter(users::username.eq(username));
        user.select(User::as_select()).first(connection).optional()
    })
    .await
}

pub async fn add(db: &Db, username: String, password_hash: String) -> Result<(), Error> {
    db.run(move |connection| {
        let user = (users::username.eq(username), users::password_hash.eq(password_hash));
        diesel::insert_into(users::table).values(user).execute(connection)
    })
    .await?;
    Ok(())
}
