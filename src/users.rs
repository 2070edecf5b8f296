//! Users: what one is, and every query about them.

use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::UniqueViolation;
use diesel::result::Error::DatabaseError;
use serde::Serialize;

use crate::db::{self, Db, DbConnection};
use crate::schema::users;

diesel::define_sql_function!(fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text);

/// A user. Templates and JSON see all of it but the password's hash, and nothing prints that.
#[derive(Clone, PartialEq, Eq, Serialize, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    pub id: i64,
    /// As it was typed at registration.
    pub username: String,
    #[serde(skip)]
    pub password_hash: String,
    pub is_active: bool,
    /// In seconds since 1970 UTC.
    pub created_at: i64,
}

/// A name that a user can have. Two that differ in case alone are the same.
#[derive(Debug, Clone)]
pub struct Username(String);

impl Username {
    /// The name in `text`, or a sentence for the person who typed it.
    pub fn parse(text: &str) -> Result<Username, &'static str> {
        let name = text.trim();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(3..=64).contains(&name.len()) {
            Err("Use 3 to 64 characters.")
        } else if !name.bytes().all(allowed) {
            Err("Use letters from A to Z, digits, and . _ - only.")
        } else {
            Ok(Username(name.to_owned()))
        }
    }
}

/// Adds a user, unless the name is taken.
pub async fn add(
    db: &Db,
    name: Username,
    password_hash: String,
) -> Result<Option<User>, db::Error> {
    db.run(move |connection| {
        loop {
            let id: QueryResult<i64> = diesel::insert_into(users::table)
                .values((users::username.eq(&name.0), users::password_hash.eq(&password_hash)))
                .returning(users::id)
                .get_result(connection);
            match id {
                // PostgreSQL counts on without the ids that somebody inserted by hand.
                Err(DatabaseError(UniqueViolation, on))
                    if on.constraint_name() == Some("users_pkey") => {}
                // The index decides: a look before the insert would miss whoever comes in between.
                Err(DatabaseError(UniqueViolation, _)) => return Ok(None),
                id => {
                    let user = users::table.find(id?).select(User::as_select());
                    return user.get_result(connection).map(Some);
                }
            }
        }
    })
    .await
}

/// The user of that name.
pub async fn named(db: &Db, name: Username) -> Result<Option<User>, db::Error> {
    db.run(move |connection| {
        users::table
            .filter(lower(users::username).eq(name.0.to_ascii_lowercase()))
            .select(User::as_select())
            .get_result(connection)
            .optional()
    })
    .await
}

/// Puts a hash of the same password in place of `old`, unless somebody has changed it since.
pub async fn renew_hash(db: &Db, user_id: i64, old: String, new: String) -> Result<(), db::Error> {
    db.run(move |connection| {
        let same = users::table.filter(users::id.eq(user_id).and(users::password_hash.eq(old)));
        diesel::update(same).set(users::password_hash.eq(new)).execute(connection).map(drop)
    })
    .await
}

/// Puts the hash of a new password in place of any other.
pub fn set_hash(connection: &mut DbConnection, user_id: i64, hash: String) -> QueryResult<usize> {
    diesel::update(users::table.find(user_id))
        .set(users::password_hash.eq(hash))
        .execute(connection)
}

/// All users, the oldest first.
pub async fn all(db: &Db) -> Result<Vec<User>, db::Error> {
    db.run(|connection| users::table.order(users::id).select(User::as_select()).load(connection))
        .await
}

/// Lets a user in, or out on their very next request.
pub async fn set_active(db: &Db, user_id: i64, is_active: bool) -> Result<(), db::Error> {
    let this = diesel::update(users::table.find(user_id)).set(users::is_active.eq(is_active));
    db.run(move |connection| this.execute(connection).map(drop)).await
}

/// Whether the database answers.
pub async fn ping(db: &Db) -> Result<(), db::Error> {
    let any = users::table.select(users::id);
    db.run(move |connection| any.first::<i64>(connection).optional().map(drop)).await
}
