mod db;
mod error;
mod guards;
mod login;
mod passwords;
mod schema;
mod store;
mod users;

use rocket::request::FlashMessage;
use rocket::{get, routes};
use rocket_dyn_templates::{Template, context};
use rocket_login::LoginManager;

use db::Db;
use error::Error;
use guards::CurrentUser;
use users::User;

#[get("/")]
fn home(user: CurrentUser, flash: Option<FlashMessage<'_>>) -> Template {
    Template::render("home", context! { current_user: user, flash })
}

#[rocket::main]
async fn main() -> Result<(), Error> {
    dotenvy::dotenv().ok();
    let db = Db::open("users.sqlite")?;
    let argument = std::env::args().nth(1);
    if let Some(username) = argument {
        println!("Password for {username}:");
        let mut password = String::new();
        std::io::stdin().read_line(&mut password)?;
        let hash = passwords::hash(password.trim_end().to_owned()).await?;
        return users::add(&db, username, hash).await;
    }
    let manager = LoginManager::<User>::new()
        .login_view("/login")
        .login_message("warning", "Please log in to access this page.");
    let routes = routes![home, login::login_form, login::log_in, login::dashboard, login::log_out];
    rocket::build()
        .manage(db)
        .attach(manager)
        .attach(Template::fairing())
        .mount("/", routes)
        .launch()
        .await?;
    Ok(())
}
