//! Pages made from templates, errors too.

#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports)] // The modules hold more than this chapter uses.

#[path = "../src/db/mod.rs"]
mod db;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/guards.rs"]
mod guards;
#[path = "../src/operator.rs"]
mod operator;
#[path = "../src/page.rs"]
mod page;
#[path = "../src/passwords.rs"]
mod passwords;
#[path = "../src/routes"]
mod routes {
    pub mod home;
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

use clap::Parser;
use db::Db;
use rocket::figment::Figment;
use rocket::fs::FileServer;
use rocket::{Build, Rocket, catchers, routes};
use rocket_login::{Clock, LoginManager};
use routes::home;
use sessions::Sessions;
use settings::Settings;
use users::User;

fn build(figment: Figment, clock: Clock) -> Result<Rocket<Build>, String> {
    let settings = Settings::read(figment)?;
    let db = Db::open(&settings.database_url)?;
    let sessions = Sessions::new(db.clone(), clock.clone(), settings.idle_timeout);
    let manager = LoginManager::<User>::new().app_setting("idle_timeout").clock(clock);

    Ok(rocket::custom(settings.figment)
        .manage(db)
        .manage(sessions)
        .attach(manager)
        .attach(page::fairing())
        .mount("/", routes![home::home])
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
    let rocket = build(figment, Clock::default())?;
    rocket::execute(rocket.launch()).map(drop).map_err(|error| error.to_string())
}
