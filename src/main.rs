//! Reads `.env`, then launches.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use rocket::Config;
use rocket::tokio::runtime;
use rocket_login::login::Clock;
use rocket_login::{EventLog, settings};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("Error: {sentence}.");
            ExitCode::FAILURE
        }
    }
}

/// Rocket's own `#[launch]` starts threads before `.env` could be read, and prints a secret key that
/// it can't read.
fn run() -> Result<(), String> {
    settings::read_env_file()?;
    let clock = Clock::default();
    let log = EventLog::to_stderr(clock.clone());
    let rocket = rocket_login::build(settings::figment(), clock, log)?;
    let config = Config::try_from(rocket.figment()).map_err(settings::wrong)?;
    runtime::Builder::new_multi_thread()
        .worker_threads(config.workers)
        .max_blocking_threads(config.max_blocking)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(rocket.launch())
        .map(drop)
        .map_err(|error| error.to_string())
}
