//! How to do login in Rocket: the whole app, from settings to pages.
//!
//! Read on in `users` and `sessions`, which tell `rocket_login` who is who, and in `routes`, where it is
//! used.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod authenticate;
mod behind;
mod db;
mod error;
mod events;
mod form;
mod guards;
mod guesses;
mod headers;
pub mod operator;
mod page;
mod passwords;
mod routes {
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
}
mod same_origin;
mod schema;
mod sessions;
pub mod settings;
mod users;

use rocket::figment::Figment;
use rocket::fs::FileServer;
use rocket::shield::Shield;
use rocket::{Build, Rocket, catchers, routes};
use rocket_login::{Clock, LoginManager};

use authenticate::Authenticator;
use db::Db;
pub use events::EventLog;
use events::{Event, Events};
use guesses::Guesses;
use passwords::Passwords;
use routes::{account, api, dashboard, health, home, logout, password, reauthenticate, register};
use sessions::Sessions;
use settings::Settings;
use users::User;

/// The app, ready to launch: `main` and the tests call this.
///
/// # Errors
///
/// A sentence for the operator: a setting is wrong, or the database does not open.
pub fn build(figment: Figment, clock: Clock, log: EventLog) -> Result<Rocket<Build>, String> {
    let settings = Settings::read(figment)?;
    let db = Db::open(&settings.database_url)?;
    let sessions = Sessions::new(db.clone(), clock.clone(), settings.idle_timeout);
    let passwords = Passwords::new().map_err(|cause| format!("Passwords: {cause:?}"))?;

    let manager = LoginManager::<User>::new()
        .app_setting("idle_timeout")
        .login_view("/login")
        .login_message("warning", "Please log in to access this page.")
        .refresh_view("/reauthenticate")
        .needs_refresh_message("warning", "Please type your password again to access this page.")
        .exempt("/static")
        .exempt("/healthz")
        .on_event(|event, request| {
            if let Some(event) = Event::of_login(event) {
                Events::of(request).record(event);
            }
        })
        .clock(clock.clone());

    Ok(rocket::custom(settings.figment)
        .manage(Authenticator {
            db: db.clone(),
            passwords: passwords.clone(),
            guesses: Guesses::new(clock),
        })
        .manage(db)
        .manage(sessions)
        .manage(passwords)
        .manage(log)
        .manage(behind::CONTEXT)
        .attach(Shield::new()) // Rocket's own headers: ours say more.
        .attach(same_origin::fairing())
        .attach(headers::fairing(settings.https))
        .attach(manager)
        .attach(page::fairing())
        .mount(
            "/",
            routes![
                home::home,
                register::registration,
                register::register,
                routes::login::login_form,
                routes::login::log_in,
                logout::logout_form,
                logout::log_out,
                dashboard::dashboard,
                account::account,
                account::revoke,
                account::revoke_others,
                password::password_form,
                password::change_password,
                password::well_known,
                reauthenticate::proof_form,
                reauthenticate::reauthenticate,
                api::me,
                health::health,
                same_origin::refused,
            ],
        )
        .mount("/static", FileServer::from(settings.static_dir))
        .register("/", catchers![error::catcher]))
}
