//! The site as people use it: the program itself, and a Chromium that clicks and types.
//!
//! `.ci/run` installs what these tests need, and runs them.

#![cfg(unix)]

mod browser;
#[allow(dead_code)]
#[path = "../wire/server.rs"]
mod server;

mod cross_site;
mod flow;
mod pages;
mod sessions;
