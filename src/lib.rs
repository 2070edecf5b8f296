//! How to do login in Rocket.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod login;
