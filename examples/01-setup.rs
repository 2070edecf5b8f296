//! A page, served with settings that are read and checked first.

#![forbid(unsafe_code)]
#![allow(dead_code, unused_imports)] // The modules hold more than this chapter uses.

#[path = "../src/settings.rs"]
mod settings;

use std::process::ExitCode;

use rocket::{get, routes};
use settings::Settings;

#[get("/")]
fn home() -> &'static str {
    "Hello, stranger.\n"
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("Error: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    settings::read_env_file()?;
    let settings = Settings::read(settings::figment())?;
    let rocket = rocket::custom(settings.figment).mount("/", routes![home]);
    rocket::execute(rocket.launch()).map(drop).map_err(|error| error.to_string())
}
