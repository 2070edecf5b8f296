//! What only the demonstration shows: which handler and which guard served a page.
//!
//! This room may use everything, and only `lib.rs` uses it.

mod handler_info;

use rocket::fairing::{AdHoc, Fairing};

/// Adds the demonstration to every page.
pub fn fairing() -> impl Fairing {
    AdHoc::on_ignite("Demo", |rocket| async { rocket.manage(handler_info::CONTEXT) })
}
