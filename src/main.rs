//! Reads `.env`, then launches, or does what an operator asks for.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use app::{EventLog, operator, settings};
use clap::Parser;
use rocket_login::Clock;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// All that can be wrong is said in a sentence before Rocket starts: under its `#[launch]` it would be a
/// panic, and a secret key that Rocket can't read it prints.
fn run(arguments: Arguments) -> Result<(), String> {
    settings::read_env_file()?;
    let figment = settings::figment();
    if let Some(command) = arguments.command {
        println!("{}", rocket::execute(operator::run(command, &figment))?);
        return Ok(());
    }
    rlimit::increase_nofile_limit(u64::MAX).map_err(|cause| cause.to_string())?;
    let clock = Clock::default();
    let log = EventLog::to_stderr(clock.clone());
    let rocket = app::build(figment, clock, log)?;
    rocket::execute(rocket.launch()).map(drop).map_err(|error| error.to_string())
}
