use diesel::prelude::*;
use rocket_login::{LoginStore, LoginUser};

use crate::db::Db;
use crate::error::Error;
use crate::schema::users;
use crate::users::User;

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
