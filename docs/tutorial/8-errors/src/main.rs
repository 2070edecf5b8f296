mod account;
mod api;
mod db;
mod devices;
mod error;
mod guards;
mod login;
mod page;
mod passwords;
mod register;
mod schema;
mod sessions;
mod store;
mod users;
mod users_page;
mod validation;

use rocket::request::FlashMessage;
use rocket::{catchers, get, routes};
use rocket_dyn_templates::Template;
use rocket_login::{Clock, LoginManager};

use db::Db;
use error::Error;
use page::Page;
use users::User;
use validation::validate;

#[get("/")]
fn home(flash: Option<FlashMessage<'_>>) -> Page {
    Page::new("home").with("flash", flash)
}

#[rocket::main]
async fn main() -> Result<(), Error> {
    dotenvy::dotenv().ok();
    let db = Db::open("users.sqlite")?;
    let argument = std::env::args().nth(1);
    if let Some(username) = argument {
        return add_user(&db, username).await;
    }
    let manager = LoginManager::<User>::new()
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
    ];
    rocket::build()
        .manage(db)
        .manage(Clock::default())
        .attach(manager)
        .attach(Template::fairing())
        .mount("/", routes)
        .register("/", catchers![error::error_page])
        .launch()
        .await?;
    Ok(())
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
