//! The command `seed`, which adds a few users to try the app with.

use rocket::Config;
use rocket::figment::Figment;

use crate::accounts::{Accounts, Password, Username};

/// The password of all seed users. It is public, so only debug runs add these users.
const PASSWORD: &str = "a horse that staples batteries";

const USERNAMES: [&str; 3] = ["ada", "grace", "alan"];

/// Adds the users that do not exist yet. You can also add rows to your own tables here.
///
/// # Errors
///
/// Returns an error outside of the debug profile, or if the database or Argon2 fails.
pub async fn run(accounts: &Accounts, figment: &Figment) -> Result<String, String> {
    if figment.profile() != Config::DEBUG_PROFILE {
        return Err("seed works only in debug runs, because its password is public".into());
    }
    let mut lines = Vec::new();
    for name in USERNAMES {
        let (username, password) = (Username::parse(name)?, Password::new(PASSWORD.to_owned()));
        let added = accounts.add_user(username, &password).await;
        lines.push(match added.map_err(|cause| cause.to_string())? {
            Some(_) => format!("Added {name} with the password: {PASSWORD}"),
            None => format!("The user {name} exists already."),
        });
    }
    Ok(lines.join("\n"))
}
