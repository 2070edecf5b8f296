//! The pages, one file each.

pub mod account;
pub mod api;
pub mod dashboard;
pub mod health;
pub mod home;
pub mod login;
pub mod logout;
pub mod password;
pub mod reauthenticate;
pub mod register;
