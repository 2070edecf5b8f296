//! What all pages share: guards, `Page`, error pages, the event log, headers and the device cookie.
//!
//! These modules use `accounts` and `rocket_login`, but not SQL.

pub mod client;
pub mod context;
pub mod error;
pub mod events;
pub mod guards;
pub mod headers;
pub mod page;
pub mod same_origin;
pub mod secret_keys;
pub mod static_files;
