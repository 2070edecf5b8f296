//! The program: reads `.env`, then serves the site or runs a command.

#![forbid(unsafe_code)]

use std::io::{Write, stdout};
use std::process::ExitCode;

use app::{EventLog, cli, settings};
use clap::Parser;
use rocket::tokio::runtime::Runtime;
use rocket_login::Clock;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serves the site or runs a command
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<cli::Command>,
}

fn main() -> ExitCode {
    let result = run(Arguments::parse());
    log::logger().flush();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("Error: {message}.");
            ExitCode::FAILURE
        }
    }
}

/// Serves the site or runs a command. A `#[launch]` function could not return an error for an invalid
/// setting.
fn run(arguments: Arguments) -> Result<(), String> {
    settings::read_env_file()?;
    let figment = settings::figment();
    if let Some(command) = arguments.command {
        // Not `rocket::execute`, which prints a malformed Rocket.toml with its secrets.
        let runtime = Runtime::new().map_err(|cause| cause.to_string())?;
        let output = runtime.block_on(cli::run(command, &figment))?;
        return writeln!(stdout(), "{output}").map_err(|cause| cause.to_string());
    }
    rlimit::increase_nofile_limit(u64::MAX).map_err(|cause| cause.to_string())?;
    let clock = Clock::default();
    let log = EventLog::to_stderr(clock.clone());
    let rocket = app::build(figment, clock, log)?;
    rocket::execute(rocket.launch()).map(drop).map_err(|error| error.to_string())
}
