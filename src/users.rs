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

/// A user to add.
pub struct NewUser {
    pub username: Username,
    pub password_hash: String,
}

/// Adds a user, unless the username is taken.
pub async fn add(db: &Db, new: NewUser) -> Result<Option<User>, db::Error> {
    db.run(move |connection| insert_user(connection, &new)).await
}

/// Adds a user, unless the username is taken, for a transaction that does more.
pub fn insert_user(connection: &mut DbConnection, new: &NewUser) -> QueryResult<Option<User>> {
    let mut id = try_insert(connection, new);
    if let Err(DatabaseError(UniqueViolation, on)) = &id
        && on.constraint_name() == Some("users_pkey")
    {
        // PostgreSQL does not count ids that were inserted by hand.
        let count = "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users";
        diesel::sql_query(count).execute(connection)?;
        id = try_insert(connection, new);
    }
    match id {
        // The index decides: a query before the insert would miss a registration at the same moment.
        Err(DatabaseError(UniqueViolation, _)) => Ok(None),
        id => users::table.find(id?).select(User::as_select()).get_result(connection).map(Some),
    }
}

/// In a savepoint, because PostgreSQL ends a transaction in which a statement fails.
fn try_insert(connection: &mut DbConnection, new: &NewUser) -> QueryResult<i64> {
    connection.transaction(|connection| {
        diesel::insert_into(users::table)
            .values((
                users::username.eq(&new.username.0),
                users::password_hash.eq(&new.password_hash),
            ))
            .returning(users::id)
            .get_result(connection)
    })
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
