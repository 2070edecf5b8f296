//! Users with passwords, whom an operator adds.

#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports)] // The modules hold more than this chapter uses.

#[path = "../src/db/mod.rs"]
mod db;
#[path = "../src/guards.rs"]
mod guards;
#[path = "../src/operator.rs"]
mod operator;
#[path = "../src/passwords.rs"]
mod passwords;
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
use guards::CurrentUser;
use rocket::figment::Figment;
use rocket::http::Status;
use rocket::{Build, Rocket, State, get, routes};
use rocket_login::{Clock, LoginManager};
use sessions::Sessions;
use settings::Settings;
use users::User;

#[get("/")]
async fn home(visitor: CurrentUser, db: &State<Db>) -> Result<String, Status> {
    let name = visitor.user().map_or("stranger", |user| &user.username);
    let users = users::all(db).await.map_err(|_| Status::ServiceUnavailable)?;
    Ok(format!("Hello, {name}. Users: {}.\n", users.len()))
}

fn build(figment: Figment, clock: Clock) -> Result<Rocket<Build>, String> {
    let settings = Settings::read(figment)?;
    let db = Db::open(&settings.database_url)?;
    let sessions = Sessions::new(db.clone(), clock.clone(), settings.idle_timeout);
    let manager = LoginManager::<User>::new().app_setting("idle_timeout").clock(clock);

    Ok(rocket::custom(settings.figment)
        .manage(db)
        .manage(sessions)
        .attach(manager)
        .mount("/", routes![home]))
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
