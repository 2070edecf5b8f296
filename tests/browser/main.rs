//! The app in a real browser, namely Chromium.
//!
//! `.ci/run` installs what these tests need, and runs the tests.

#![cfg(unix)]

mod browser;
#[path = "../shared/server.rs"]
mod server;
#[path = "../shared/templates.rs"]
mod templates;

mod cross_site;
mod demo;
mod flow;
mod forms;
mod pages;
mod sessions;
