//! What every route shares: guards, pages, errors and headers.
//!
//! This room uses `accounts` and `rocket_login`, and no SQL.

pub mod error;
pub mod events;
pub mod guards;
pub mod headers;
pub mod page;
pub mod same_origin;
pub mod static_files;
