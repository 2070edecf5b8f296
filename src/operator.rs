//! What an operator does from a shell, on the same settings and the same database as the site.

use std::io::{IsTerminal, stdin};

use base64::prelude::{BASE64_STANDARD, Engine};
use clap::Subcommand;
use rocket::figment::Figment;
use rocket::time::OffsetDateTime;
use rocket_login::Clock;

use crate::db::Db;
use crate::passwords::{self, Password, Passwords};
use crate::sessions::Sessions;
use crate::settings;
use crate::users::{self, NewUser, User, Username};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add users, list them, let them in and out
    #[command(subcommand)]
    User(UserCommand),
    /// Look after the sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Print a new secret key, for ROCKET_SECRET_KEY
    Key,
}

/// What can be done with users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user; the password is asked for, or read from standard input
    Add {
        /// 3 to 64 letters, digits, dots, underscores or hyphens
        name: String,
    },
    /// List all users
    List,
    /// Let a user log in again
    Activate {
        /// Whatever the case
        name: String,
    },
    /// Sign a user out everywhere, and refuse their next login
    Deactivate {
        /// Whatever the case
        name: String,
    },
    /// Set a new password and sign the user out everywhere
    SetPassword {
        /// Whatever the case
        name: String,
    },
}

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// Delete the rows of sessions that have expired, as each login does
    Purge,
}

/// Does what `command` says, and returns what there is to say of it.
///
/// # Errors
///
/// A sentence for the operator.
pub async fn run(command: Command, figment: &Figment) -> Result<String, String> {
    match command {
        Command::User(command) => Data::open(figment)?.user(command).await,
        Command::Sessions(SessionsCommand::Purge) => Data::open(figment)?.purge().await,
        Command::Key => new_key(),
    }
}

struct Data {
    db: Db,
    sessions: Sessions,
}

impl Data {
    fn open(figment: &Figment) -> Result<Data, String> {
        let (database_url, idle_timeout) = settings::of_data(figment)?;
        let db = Db::open(&database_url)?;
        Ok(Data { sessions: Sessions::new(db.clone(), Clock::default(), idle_timeout), db })
    }

    async fn user(&self, command: UserCommand) -> Result<String, String> {
        match command {
            UserCommand::Add { name } => {
                let username = Username::parse(&name).map_err(|wrong| sentence(&name, wrong))?;
                let hash = new_hash(&name).await?;
                let new = NewUser { username, password_hash: hash };
                let added = users::add(&self.db, new).await.map_err(failed)?;
                let user = added.ok_or_else(|| format!("{name}: somebody has that name"))?;
                Ok(format!("Added {}.", user.username))
            }
            UserCommand::List => {
                let users = users::all(&self.db).await.map_err(failed)?;
                Ok(users.iter().map(line).collect::<Vec<_>>().join("\n"))
            }
            UserCommand::Activate { name } => {
                let user = self.named(&name).await?;
                users::set_active(&self.db, user.id, true).await.map_err(failed)?;
                Ok(format!("{} may log in.", user.username))
            }
            UserCommand::Deactivate { name } => {
                let user = self.named(&name).await?;
                users::set_active(&self.db, user.id, false).await.map_err(failed)?;
                self.sessions.end_others(user.id, None).await.map_err(failed)?;
                Ok(format!("{} is signed out and may not log in.", user.username))
            }
            UserCommand::SetPassword { name } => {
                let user = self.named(&name).await?;
                let hash = new_hash(&user.username).await?;
                self.sessions.reset_password(user.id, hash).await.map_err(failed)?;
                Ok(format!("{} has a new password and is signed out.", user.username))
            }
        }
    }

    async fn named(&self, name: &str) -> Result<User, String> {
        let nobody = || format!("{name}: nobody has that name");
        let username = Username::parse(name).map_err(|_| nobody())?;
        users::named(&self.db, username).await.map_err(failed)?.ok_or_else(nobody)
    }

    async fn purge(&self) -> Result<String, String> {
        let count = self.sessions.purge().await.map_err(failed)?;
        Ok(format!("Deleted {count} expired sessions."))
    }
}

fn new_key() -> Result<String, String> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|cause| cause.to_string())?;
    Ok(BASE64_STANDARD.encode(key))
}

/// Never from the arguments, which everybody on the machine can read.
async fn new_hash(name: &str) -> Result<String, String> {
    let password = if stdin().is_terminal() {
        rpassword::prompt_password(format!("New password of {name}: ")).map_err(failed)?
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(failed)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let password = Password::new(password);
    password.check(name).map_err(|wrong| sentence("The password", wrong))?;
    let passwords = Passwords::new().map_err(no_hash)?;
    passwords.hash(&password).await.map_err(no_hash)
}

fn line(user: &User) -> String {
    let state = if user.is_active { "active" } else { "deactivated" };
    let registered = OffsetDateTime::from_unix_timestamp(user.created_at);
    let registered = registered.map_or_else(|_| "?".to_owned(), |time| time.date().to_string());
    format!("{:>6}  {state:<11}  {registered}  {}", user.id, user.username)
}

fn sentence(of: &str, complaint: &str) -> String {
    format!("{of}: {}", complaint.trim_end_matches('.'))
}

fn failed(cause: impl std::fmt::Display) -> String {
    cause.to_string()
}

fn no_hash(cause: passwords::Error) -> String {
    format!("the password was not hashed: {cause:?}")
}
