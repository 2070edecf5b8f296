use rocket::{get, launch, routes};
use rocket_dyn_templates::{Template, context};

#[get("/")]
fn home() -> Template {
    Template::render("home", context! {})
}

#[launch]
fn rocket() -> _ {
    dotenvy::dotenv().ok();
    rocket::build().attach(Template::fairing()).mount("/", routes![home])
}
