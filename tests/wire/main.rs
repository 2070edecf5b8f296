//! The program itself, spoken to over TCP.

mod crowd;
#[cfg(unix)]
mod deploy;
mod faults;
mod noise;
mod operator;
#[cfg(feature = "postgres")]
mod postgres;
mod secrets;
mod server;
mod starting;
mod tls;
