//! The app in a real browser, namely Chromium.
//!
//! They need Chromium, chromedriver, and axe-core from npm in `target/axe`.

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
