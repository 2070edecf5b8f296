//! The app as people, programs and operators meet it. Each test has an app and a database of its own.

mod support;

mod accounts;
mod at_once;
mod bad_input;
mod behind;
mod cross_site;
mod events;
mod faults;
mod flow;
mod guessing;
mod headers;
mod launch;
mod login;
mod logout;
mod migrations;
mod open_routes;
mod pages;
mod passwords;
mod protection;
mod random;
mod sessions;
mod walls;
