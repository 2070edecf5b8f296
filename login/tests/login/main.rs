//! Tests of the crate in an app with an in-memory store and a clock that tests can set.

mod support;

mod configuration;
mod events;
mod examples;
mod freshness;
mod guards;
mod keys;
mod next;
mod open_redirects;
mod protection;
mod sessions;
mod store;
mod testing;
mod types;
mod unauthorized;
