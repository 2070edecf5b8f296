//! The crate as an app uses it: over HTTP, with a store in memory and a clock that tests set.

mod support;

mod configuration;
mod events;
mod examples;
mod freshness;
mod guards;
mod next;
mod open_redirects;
mod protection;
mod sessions;
mod store;
mod testing;
mod types;
mod unauthorized;
