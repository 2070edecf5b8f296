//! The program itself, spoken to over TCP.

mod noise;
mod secrets;
mod server;
mod starting;
mod tls;
