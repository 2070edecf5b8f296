//! Who knows a user's password: the one place where users meet passwords.

use crate::db::Db;
use crate::error::Error;
use crate::passwords::{Password, Passwords, Verdict};
use crate::users::{self, User, Username};

/// The user of that name, if the password is theirs.
///
/// The same work is done for names that nobody has, so that time does not tell them apart. A hash of
/// older parameters is renewed.
///
/// # Errors
///
/// The database or the hashing is too busy, or broken.
pub async fn authenticate(
    db: &Db,
    passwords: &Passwords,
    username: &str,
    password: &Password,
) -> Result<Option<User>, Error> {
    let found = match Username::parse(username) {
        Ok(name) => users::with_hash(db, name).await?,
        Err(_) => None,
    };
    let (user, hash) = found.unzip();
    let verdict = passwords.verify(password, hash.clone()).await?;
    let (Some(user), Some(hash)) = (user, hash) else {
        return Ok(None);
    };
    match verdict {
        Verdict::Wrong => return Ok(None),
        Verdict::Right => {}
        Verdict::RightButOld => {
            let new = passwords.hash(password).await?;
            users::renew_hash(db, user.id, hash, new).await?;
        }
    }
    Ok(Some(user))
}
