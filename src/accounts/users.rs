//! The user model and its queries.

use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::UniqueViolation;
use diesel::result::Error::DatabaseError;
use serde::Serialize;

use super::{Accounts, Error, sessions};
use crate::db::DbConnection;
use crate::schema::users;

diesel::define_sql_function!(fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text);

/// A user. Templates and JSON can show all fields except the password hash. `User` does not implement
/// `Debug`, so the hash can't be logged by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    pub id: i64,
    /// As entered at registration.
    pub username: String,
    #[serde(skip)]
    pub password_hash: String,
    pub is_active: bool,
    /// A Unix timestamp, in seconds.
    pub created_at: i64,
}

/// A valid username. Usernames that differ only in case are equal.
#[derive(Debug, Clone)]
pub struct Username(String);

impl Username {
    /// Parses a username, after trimming spaces at both ends.
    ///
    /// # Errors
    ///
    /// Returns a message for the form if the username is too short or too long, or contains a character
    /// that is not allowed.
    pub fn parse(text: &str) -> Result<Username, &'static str> {
        let name = text.trim();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(3..=64).contains(&name.len()) {
            Err("Use 3 to 64 characters.")
        } else if !name.bytes().all(is_allowed) {
            Err("Use only letters from A to Z, digits, and . _ -")
        } else {
            Ok(Username(name.to_owned()))
        }
    }
}

impl Accounts {
    /// Finds the user with this username, in upper or lower case.
    pub async fn find_by_username(&self, name: Username) -> Result<Option<User>, Error> {
        let name = name.0.to_ascii_lowercase();
        let find = self.db.read(move |connection| {
            users::table
                .filter(lower(users::username).eq(&name))
                .select(User::as_select())
                .get_result(connection)
                .optional()
        });
        Ok(find.await?)
    }

    /// Lists all users, oldest first.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let all = users::table.order(users::id).select(User::as_select());
        Ok(self.db.run(move |connection| all.load(connection)).await?)
    }

    /// Activates or deactivates a user. Deactivating also revokes the user's sessions.
    pub async fn set_active(&self, user_id: i64, is_active: bool) -> Result<(), Error> {
        let user = diesel::update(users::table.find(user_id)).set(users::is_active.eq(is_active));
        let set = self.db.transaction(move |connection| {
            user.execute(connection)?;
            if is_active { Ok(()) } else { sessions::revoke_all(connection, user_id).map(drop) }
        });
        Ok(set.await?)
    }

    /// Replaces the password hash if it is still `old`. Returns the current hash.
    pub(super) async fn replace_hash(
        &self,
        user_id: i64,
        old: String,
        new: String,
    ) -> Result<String, Error> {
        let user = users::table.filter(users::id.eq(user_id));
        let same = user.filter(users::password_hash.eq(old));
        let replace = self.db.transaction(move |connection| {
            diesel::update(same).set(users::password_hash.eq(new)).execute(connection)?;
            user.select(users::password_hash).get_result(connection)
        });
        Ok(replace.await?)
    }
}

/// Inserts a user, or returns `None` if the username is taken.
pub(super) fn insert(
    connection: &mut DbConnection,
    username: &Username,
    password_hash: &str,
) -> QueryResult<Option<User>> {
    let mut id = try_insert(connection, username, password_hash);
    if let Err(DatabaseError(UniqueViolation, violation)) = &id
        && violation.constraint_name() == Some("users_pkey")
    {
        // The sequence of PostgreSQL does not skip ids that were inserted by hand.
        let reset = "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users";
        diesel::sql_query(reset).execute(connection)?;
        id = try_insert(connection, username, password_hash);
    }
    match id {
        // A query before the insert would not find a concurrent registration.
        Err(DatabaseError(UniqueViolation, _)) => Ok(None),
        id => users::table.find(id?).select(User::as_select()).get_result(connection).map(Some),
    }
}

/// Inserts in a savepoint, because PostgreSQL aborts a transaction in which a statement fails.
fn try_insert(
    connection: &mut DbConnection,
    username: &Username,
    password_hash: &str,
) -> QueryResult<i64> {
    let row = (users::username.eq(&username.0), users::password_hash.eq(password_hash));
    connection.transaction(|connection| {
        diesel::insert_into(users::table).values(row).returning(users::id).get_result(connection)
    })
}

/// Locks a user's row until the end of the transaction, with an update that changes nothing.
pub(super) fn lock(connection: &mut DbConnection, user_id: i64) -> QueryResult<usize> {
    diesel::update(users::table.find(user_id)).set(users::id.eq(user_id)).execute(connection)
}

/// Sets the password hash, and returns the changed user.
pub(super) fn set_password_hash(
    connection: &mut DbConnection,
    user_id: i64,
    hash: &str,
) -> QueryResult<User> {
    let user = users::table.find(user_id);
    diesel::update(user).set(users::password_hash.eq(hash)).execute(connection)?;
    user.select(User::as_select()).get_result(connection)
}
