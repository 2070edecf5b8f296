//! Reads `.env`, then launches.

#![forbid(unsafe_code)]

use std::process::ExitCode;

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

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// All that can be wrong is said before Rocket starts: its `#[launch]` reads no `.env` in time, and it
/// prints a secret key that it can't read.
fn run() -> Result<(), String> {
    settings::read_env_file()?;
    rlimit::increase_nofile_limit(u64::MAX).map_err(|cause| cause.to_string())?;
    let clock = Clock::default();
    let log = EventLog::to_stderr(clock.clone());
    let rocket = rocket_login::build(settings::figment(), clock, log)?;
    rocket::execute(rocket.launch()).map(drop).map_err(|error| error.to_string())
}
