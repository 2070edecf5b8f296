//! Tests of the app with simulated requests. Each test has its own app and its own database.

mod demo;
mod support;

mod accounts;
mod architecture;
mod bad_input;
mod colours;
mod concurrency;
mod cross_site;
mod events;
mod faults;
mod flow;
mod headers;
mod launch;
mod login;
mod logout;
mod migrations;
#[path = "../../login/tests/login/open_redirects.rs"]
mod open_redirects;
mod open_routes;
mod pages;
mod passwords;
mod protection;
mod random;
mod sessions;
mod throttle;
