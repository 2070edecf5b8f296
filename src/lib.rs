//! User login for Rocket, by example.
//!
//! `routes` contains one file per page, `accounts` contains the users, passwords and sessions, and `web`
//! contains what all pages share.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod accounts;
pub mod cli;
mod db;
mod demo;
mod health;
mod log_writer;
mod logger;
mod migrations;
mod private_files;
mod routes;
mod schema;
mod secret_key;
mod seed;
pub mod settings;
mod trace;
mod web;

use rocket::figment::Figment;
use rocket::{Build, Rocket, catchers};
use rocket_login::{Clock, LoginManager};

use accounts::{Accounts, User};
use settings::Settings;
use web::client::{self, DeviceCookie, DeviceCookieName};
pub use web::events::EventLog;
use web::events::{Event, Events};
use web::static_files::StaticFiles;
use web::{error, headers, page, same_origin, secret_keys};

/// Builds the app, ready to launch.
///
/// # Errors
///
/// Returns an error if a setting is invalid or the database can't be opened.
pub fn build(figment: Figment, clock: Clock, event_log: EventLog) -> Result<Rocket<Build>, String> {
    let settings = Settings::read(figment)?;
    logger::init(settings.log_level);
    let accounts = Accounts::open(&settings.data, clock.clone())?;
    let static_files = StaticFiles::open(settings.static_dir)?;

    let manager = LoginManager::<User>::new()
        .app_setting("idle_timeout")
        .login_view("/login")
        .login_message("warning", "Please log in to access this page.")
        .refresh_view("/reauthenticate")
        .needs_refresh_message("warning", "Please enter your password again to access this page.")
        .exempt("/static")
        .exempt("/healthz")
        .on_event(|event, request| {
            if let rocket_login::Event::LoggedIn(user) = event {
                DeviceCookie::of(request).record_login(user);
            }
            if let Some(event) = Event::from_login(event) {
                Events::of(request).record(event);
            }
        })
        .clock(clock.clone());

    let rocket = rocket::custom(settings.figment)
        .manage(accounts)
        .manage(event_log)
        .manage(DeviceCookieName::new(settings.https))
        .manage(secret_keys::previous(&settings.secret_keys))
        .attach(secret_keys::fairing(&settings.secret_keys))
        .attach(client::fairing())
        .attach(headers::shield(settings.https))
        .attach(headers::fairing(settings.https))
        .attach(same_origin::fairing())
        .attach(page::fairing(static_files.clone()))
        .attach(static_files)
        .register("/", catchers![error::catcher]);
    if settings.demo {
        return Ok(demo::attach(rocket, manager, routes::all(), clock));
    }
    Ok(rocket.attach(manager).mount("/", routes::all()))
}
