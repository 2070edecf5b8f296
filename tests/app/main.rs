//! The app as people, programs and operators meet it. Each test has an app and a database of its own.

mod support;

mod accounts;
mod bad_input;
mod faults;
mod flow;
mod launch;
mod login;
mod logout;
mod pages;
mod sessions;
mod walls;
