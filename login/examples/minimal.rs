// A whole site with a login. Log in as `ada` with the password `a horse that staples batteries`.

use argon2::{Argon2, PasswordVerifier};
use rocket::response::{Redirect, content::RawHtml};
use rocket::{FromForm, State, form::Form, get, post, routes, tokio::task::spawn_blocking};
use rocket_login::{Login, LoginManager, LoginStore, LoginUser, Next, Remember, RequiredUser};

#[derive(Clone)]
struct User {
    name: &'static str,
    password_hash: &'static str,
}

impl LoginUser for User {
    type Store = Users;
    fn id(&self) -> String {
        self.name.to_owned()
    }
}

struct Users(Vec<User>);
impl LoginStore for Users {
    type User = User;
    type Error = std::convert::Infallible;
    async fn load(&self, id: &str, _now: i64) -> Result<Option<User>, Self::Error> {
        Ok(self.0.iter().find(|user| user.name == id).cloned())
    }
}

#[get("/")]
fn home(user: RequiredUser<User>) -> RawHtml<String> {
    let button = "<form method=post action=/logout><button>Log out</button></form>";
    RawHtml(format!("<p>Welcome, {}!</p>{button}", user.name))
}

const FORM: &str = "<form method=post> <input name=username> <input name=password type=password>
    <label><input name=remember type=checkbox> Remember me</label> <button>Log in</button></form>";

#[get("/login")]
fn login_form() -> RawHtml<&'static str> {
    RawHtml(FORM)
}

#[derive(FromForm)]
struct Credentials {
    username: String,
    password: String,
    remember: Remember,
}

#[post("/login?<next>", data = "<form>")]
async fn log_in(
    form: Form<Credentials>,
    next: Option<Next>,
    users: &State<Users>,
    login: Login<'_, User>,
) -> Result<Redirect, RawHtml<&'static str>> {
    let Credentials { username, password, remember } = form.into_inner();
    let user = users.0.iter().find(|user| user.name == username).ok_or(RawHtml(FORM))?.clone();
    // Argon2 takes a while, so it runs on a thread that may block.
    let check = move || Argon2::default().verify_password(password.as_bytes(), user.password_hash);
    let Ok(Ok(())) = spawn_blocking(check).await else { return Err(RawHtml(FORM)) };
    let Ok(_) = login.log_in(user, remember).await;
    Ok(next.map_or_else(|| Redirect::to("/"), Redirect::from))
}

#[post("/logout")]
async fn log_out(login: Login<'_, User>) -> Redirect {
    let Ok(_) = login.log_out().await;
    Redirect::to("/login")
}

#[rocket::launch]
fn rocket() -> _ {
    let password_hash = "$argon2id$v=19$m=19456,t=2,p=1$sDAyZOsTZw4bsqNCLk8NiQ$0cSy5UFLgyeCuoPqdJpkbwii3RQBexUhtjBAfvVZh80";
    let users = Users(vec![User { name: "ada", password_hash }]);
    let manager = LoginManager::<User>::new().login_view("/login");
    let routes = routes![home, login_form, log_in, log_out];
    rocket::build().manage(users).attach(manager).mount("/", routes)
}
