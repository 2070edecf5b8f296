//! The demo, which shows the handler and the guard of each page.
//!
//! This module is allowed to use all others. Only `lib.rs` uses this module.

mod handler_info;

use rocket::fairing::{AdHoc, Fairing};

/// Adds `handler_info` to every page that has a handler.
pub fn fairing() -> impl Fairing {
    AdHoc::on_ignite("Demo", |rocket| async { rocket.manage(handler_info::CONTEXT) })
}
