mod account;
mod api;
mod db;
mod devices;
mod error;
mod events;
mod guards;
mod headers;
mod login;
mod page;
mod passwords;
mod register;
mod same_origin;
mod schema;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
mod throttle;
mod users;
mod users_page;
mod validation;

use rocket::figment::Figment;
use rocket::request::FlashMessage;
use rocket::{Build, Rocket, catchers, get, routes};
use rocket_dyn_templates::Template;
use rocket_login::{Clock, LoginManager};

use db::Db;
use error::Error;
use page::Page;
use throttle::Throttle;
use users::User;
use validation::validate;

#[get("/")]
fn home(flash: Option<FlashMessage<'_>>) -> Page {
    Page::new("home").with("flash", flash)
}

#[rocket::main]
async fn main() -> Result<(), Error> {
    dotenvy::dotenv().ok();
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "users.sqlite".to_owned());
    let db = Db::open(&url)?;
    let argument = std::env::args().nth(1);
    if let Some(username) = argument {
        return add_user(&db, username).await;
    }
    build(rocket::Config::figment(), db, Clock::default()).launch().await?;
    Ok(())
}

/// Builds the app from its settings, its database and its clock.
fn build(settings: Figment, db: Db, clock: Clock) -> Rocket<Build> {
    let manager = LoginManager::<User>::new()
        .clock(clock.clone())
        .on_event(events::log)
        .login_view("/login")
        .login_message("warning", "Please log in to access this page.")
        .refresh_view("/reauthenticate")
        .needs_refresh_message("warning", "Please enter your password again.");
    let routes = routes![
        home,
        login::login_form,
        login::log_in,
        login::dashboard,
        login::log_out,
        register::register_form,
        register::register,
        account::password_form,
        account::change_password,
        account::reauthenticate_form,
        account::reauthenticate,
        users_page::users_page,
        devices::devices,
        devices::log_out_device,
        api::me,
        same_origin::blocked,
    ];
    rocket::custom(settings)
        .manage(db)
        .manage(Throttle::new())
        .manage(clock)
        .attach(manager)
        .attach(same_origin::fairing())
        .attach(headers::fairing())
        .attach(Template::fairing())
        .mount("/", routes)
        .register("/", catchers![error::error_page])
}

async fn add_user(db: &Db, username: String) -> Result<(), Error> {
    println!("Password for {username}:");
    let mut password = String::new();
    std::io::stdin().read_line(&mut password)?;
    let password = password.trim_end().to_owned();
    if let Some(error) = validate(&username, &password).into_values().next() {
        return Err(error.into());
    }
    let hash = passwords::hash(password).await?;
    users::add(db, username, hash).await?.ok_or("This username is taken.")?;
    Ok(())
}
