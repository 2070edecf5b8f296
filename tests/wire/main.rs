//! The program over TCP.

mod cli;
mod crowd;
#[cfg(unix)]
mod deploy;
mod faults;
mod malformed_input;
#[cfg(feature = "postgres")]
mod postgres;
mod secrets;
#[allow(dead_code)]
#[path = "../shared/server.rs"]
mod server;
mod starting;
mod tls;
