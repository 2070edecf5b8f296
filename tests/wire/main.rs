//! The server process, tested over TCP.

mod attacks;
mod cli;
#[cfg(unix)]
mod deploy;
mod faults;
mod idle_connections;
mod malformed_input;
#[cfg(feature = "postgres")]
mod pooler;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_server;
#[cfg(feature = "postgres")]
mod restart;
mod secrets;
#[path = "../shared/server.rs"]
mod server;
mod starting;
mod tls;
