//! Pages for users, and for users who just proved who they are.

#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports)] // The modules hold more than this chapter uses.

#[path = "../src/authenticate.rs"]
mod authenticate;
#[path = "../src/db/mod.rs"]
mod db;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/events.rs"]
mod events;
#[path = "../src/form.rs"]
mod form;
#[path = "../src/guards.rs"]
mod guards;
#[path = "../src/guesses.rs"]
mod guesses;
#[path = "../src/operator.rs"]
mod operator;
#[path = "../src/page.rs"]
mod page;
#[path = "../src/passwords.rs"]
mod passwords;
#[path = "../src/routes"]
mod routes {
    pub mod account;
    pub mod dashboard;
    pub mod home;
    pub mod login;
    pub mod logout;
    pub mod password;
    pub mod reauthenticate;
    pub mod register;
}
#[path = "../src/schema.rs"]
mod schema;
#[path = "../src/sessions.rs"]
mod sessions;
#[path = "../src/settings.rs"]
mod settings;
#[path = "../src/users.rs"]
mod users;

use std::process::ExitCode;

use authenticate::Authenticator;
use clap::Parser;
use db::Db;
use events::EventLog;
use guesses::Guesses;
use passwords::Passwords;
use rocket::figment::Figment;
use rocket::fs::FileServer;
use rocket::{Build, Rocket, catchers, routes};
use rocket_login::{Clock, LoginManager};
use routes::{account, dashboard, home, logout, password, reauthenticate, register};
use sessions::Sessions;
use settings::Settings;
use users::User;

fn build(figment: Figment, clock: Clock, log: EventLog) -> Result<Rocket<Build>, String> {
    let settings = Settings::read(figment)?;
    let db = Db::open(&settings.database_url)?;
    let sessions = Sessions::new(db.clone(), clock.clone(), settings.idle_timeout);
    let passwords = Passwords::new().map_err(|cause| format!("Passwords: {cause:?}"))?;

    let manager = LoginManager::<User>::new()
        .app_setting("idle_timeout")
        .login_view("/login")
        .refresh_view("/reauthenticate")
        .clock(clock.clone());

    Ok(rocket::custom(settings.figment)
        .manage(Authenticator {
            db: db.clone(),
            passwords: passwords.clone(),
            guesses: Guesses::new(clock),
        })
        .manage(db)
        .manage(sessions)
        .manage(passwords)
        .manage(log)
        .attach(manager)
        .attach(page::fairing())
        .mount(
            "/",
            routes![
                home::home,
                register::registration,
                register::register,
                routes::login::login_form,
                routes::login::log_in,
                logout::logout_form,
                logout::log_out,
                dashboard::dashboard,
                account::account,
                account::revoke,
                account::revoke_others,
                password::password_form,
                password::change_password,
                password::well_known,
                reauthenticate::proof_form,
                reauthenticate::reauthenticate,
            ],
        )
        .mount("/static", FileServer::from(settings.static_dir))
        .register("/", catchers![error::catcher]))
}

/// Serves the site, unless a command says something else
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<operator::Command>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("Error: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    settings::read_env_file()?;
    let figment = settings::figment();
    if let Some(command) = arguments.command {
        println!("{}", rocket::execute(operator::run(command, &figment))?);
        return Ok(());
    }
    let clock = Clock::default();
    let log = EventLog::to_stderr(clock.clone());
    let rocket = build(figment, clock, log)?;
    rocket::execute(rocket.launch()).map(drop).map_err(|error| error.to_string())
}
