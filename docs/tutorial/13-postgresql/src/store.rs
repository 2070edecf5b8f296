use diesel::prelude::*;
use rocket_login::{LoginStore, LoginUser, NewSession};

use crate::db::Db;
use crate::error::Error;
use crate::schema::{sessions, users};
use crate::sessions::{hash_token, new_token};
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

    async fn load(&self, token: &str, now: i64) -> Result<Option<User>, Error> {
        let token_hash = hash_token(token);
        self.run(move |connection| {
            sessions::table
                .inner_join(users::table)
                .filter(sessions::token_hash.eq(token_hash))
                .filter(sessions::expires_at.gt(now))
                .select(User::as_select())
                .first(connection)
                .optional()
        })
        .await
    }

    async fn begin_session(
        &self,
        user: &User,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, Error> {
        let (token, now) = (new_token()?, session.now);
        let row = (
            sessions::token_hash.eq(hash_token(&token)),
            sessions::user_id.eq(user.id),
            sessions::user_agent.eq(session.user_agent.to_owned()),
            sessions::created_at.eq(session.now),
            sessions::expires_at.eq(session.expires_at),
        );
        self.run(move |connection| {
            let expired = sessions::table.filter(sessions::expires_at.le(now));
            diesel::delete(expired).execute(connection)?;
            diesel::insert_into(sessions::table).values(row).execute(connection)
        })
        .await?;
        Ok(Some(token))
    }

    async fn renew_session(
        &self,
        token: &str,
        _session: &NewSession<'_>,
    ) -> Result<Option<String>, Error> {
        let (old_hash, new_token) = (hash_token(token), new_token()?);
        let new_hash = hash_token(&new_token);
        let session = sessions::table.filter(sessions::token_hash.eq(old_hash));
        let update = diesel::update(session).set(sessions::token_hash.eq(new_hash));
        let renewed = self.run(move |connection| update.execute(connection)).await?;
        Ok((renewed > 0).then_some(new_token))
    }

    async fn end_session(&self, token: &str) -> Result<bool, Error> {
        let token_hash = hash_token(token);
        let session = sessions::table.filter(sessions::token_hash.eq(token_hash));
        let ended = self.run(move |connection| diesel::delete(session).execute(connection)).await?;
        Ok(ended > 0)
    }
}
