//! The commands, which use the same settings and the same database as the site.

use std::io::{IsTerminal, stdin};

use clap::Subcommand;
use rocket::figment::Figment;
use rocket::time::OffsetDateTime;
use rocket_login::Clock;

use crate::accounts::{Accounts, Password, User, Username};
use crate::settings::DataSettings;
use crate::{health, secret_key, seed};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage users
    #[command(subcommand)]
    User(UserCommand),
    /// Manage sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Add a few users to try the app with (debug runs only)
    Seed,
    /// Check that the server on this machine is healthy, for the health check of a container
    Health,
    /// Print a new secret key, for ROCKET_SECRET_KEY
    Key,
}

/// The commands for users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user, whose password is read from the terminal or from standard input
    Add {
        /// 3 to 64 letters, digits, dots, underscores or hyphens
        username: String,
    },
    /// List all users
    List,
    /// Allow a user to log in again
    Activate {
        /// In upper or lower case
        username: String,
    },
    /// Log a user out on all devices and prevent further logins
    Deactivate {
        /// In upper or lower case
        username: String,
    },
    /// Set a new password and log the user out on all devices
    SetPassword {
        /// In upper or lower case
        username: String,
    },
}

/// The commands for sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// Delete all expired sessions (logins also do so, in the background)
    Purge,
}

/// Runs a command and returns its output.
///
/// # Errors
///
/// Returns an error if a setting or an argument is invalid, or if the database fails.
pub async fn run(command: Command, figment: &Figment) -> Result<String, String> {
    match command {
        Command::Key => secret_key::generate(),
        Command::Seed => seed::run(&open(figment)?, figment).await,
        Command::Health => health::check(figment),
        Command::User(command) => run_user(&open(figment)?, command).await,
        Command::Sessions(SessionsCommand::Purge) => {
            let count = open(figment)?.purge_sessions().await.map_err(to_string)?;
            Ok(format!("Expired sessions deleted: {count}"))
        }
    }
}

fn open(figment: &Figment) -> Result<Accounts, String> {
    Accounts::open(&DataSettings::read(figment)?, Clock::default())
}

async fn run_user(accounts: &Accounts, command: UserCommand) -> Result<String, String> {
    match command {
        UserCommand::Add { username } => {
            let name = Username::parse(&username).map_err(|error| invalid(&username, error))?;
            let password = read_password(&username)?;
            let added = accounts.add_user(name, &password).await.map_err(to_string)?;
            let user = added.ok_or_else(|| format!("{username}: this username is taken"))?;
            Ok(format!("Added {}.", user.username))
        }
        UserCommand::List => {
            let users = accounts.users().await.map_err(to_string)?;
            Ok(users.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        UserCommand::Activate { username } => {
            let user = find(accounts, &username).await?;
            accounts.set_active(user.id, true).await.map_err(to_string)?;
            Ok(format!("{} can log in.", user.username))
        }
        UserCommand::Deactivate { username } => {
            let user = find(accounts, &username).await?;
            accounts.set_active(user.id, false).await.map_err(to_string)?;
            Ok(format!("{} is logged out and can't log in.", user.username))
        }
        UserCommand::SetPassword { username } => {
            let user = find(accounts, &username).await?;
            let password = read_password(&user.username)?;
            accounts.reset_password(user.id, &password).await.map_err(to_string)?;
            Ok(format!("{} has a new password and is logged out.", user.username))
        }
    }
}

async fn find(accounts: &Accounts, username: &str) -> Result<User, String> {
    let not_found = || format!("{username}: no user has this username");
    let name = Username::parse(username).map_err(|_| not_found())?;
    accounts.find_by_username(name).await.map_err(to_string)?.ok_or_else(not_found)
}

/// Reads a new password. The password is never an argument, because every user of the machine can see
/// the arguments of a program.
fn read_password(username: &str) -> Result<Password, String> {
    let password = if stdin().is_terminal() {
        rpassword::prompt_password(format!("New password for {username}: ")).map_err(to_string)?
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(to_string)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    let password = Password::new(password);
    password.validate(username).map_err(|error| invalid("The password", &error))?;
    Ok(password)
}

fn line(user: &User) -> String {
    let state = if user.is_active { "active" } else { "deactivated" };
    let registered = OffsetDateTime::from_unix_timestamp(user.created_at);
    let registered = registered.map_or_else(|_| "?".to_owned(), |time| time.date().to_string());
    format!("{:>6}  {state:<11}  {registered}  {}", user.id, user.username)
}

fn invalid(what: &str, error: &str) -> String {
    format!("{what}: {}", error.trim_end_matches('.'))
}

fn to_string(cause: impl std::fmt::Display) -> String {
    cause.to_string()
}
