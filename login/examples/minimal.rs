// A complete site with a login: log in as `ada` with the password `a horse that staples batteries`.

use argon2::{Argon2, PasswordVerifier};
use rocket::response::{Redirect, content::RawHtml};
use rocket::{FromForm, State, form::Form, get, post, routes, tokio::task::spawn_blocking};
use rocket_login::{AuthError, Login, LoginManager, LoginStore, LoginUser, Next, Remember};

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
fn home(user: rocket_login::RequiredUser<User>) -> RawHtml<String> {
    let button = "<form method=post action=/logout><button>Log out</button></form>";
    RawHtml(format!("<p>Welcome, {}!</p>{button}", user.name))
}

#[get("/login")]
fn form() -> RawHtml<&'static str> {
    RawHtml(
        "<form method=post> <input name=username> <input name=password type=password>
        <input name=remember type=checkbox> Remember me <button>Log in</button> </form>",
    )
}

#[derive(FromForm)]
struct Credentials {
    username: String,
    password: String,
    remember: Remember,
}

#[post("/login?<next>", data = "<credentials>")]
async fn log_in(
    credentials: Form<Credentials>,
    next: Option<Next>,
    users: &State<Users>,
    login: Login<'_, User>,
) -> Result<Redirect, &'static str> {
    let Credentials { username, password, remember } = credentials.into_inner();
    let failed = "Invalid username or password. Please go back and try again.";
    let user = users.0.iter().find(|user| user.name == username).cloned();
    // An unknown username takes as long as a wrong password. Argon2 runs on a blocking thread.
    let hash = user.as_ref().unwrap_or(&users.0[0]).password_hash;
    let check = move || Argon2::default().verify_password(password.as_bytes(), hash);
    let (Ok(Ok(())), Some(user)) = (spawn_blocking(check).await, user) else { return Err(failed) };
    let Ok(true) = login.log_in(user, remember).await else { return Err(failed) };
    Ok(next.map_or_else(|| Redirect::to("/"), Redirect::from))
}

#[post("/logout")]
async fn log_out(login: Login<'_, User>) -> Result<Redirect, AuthError> {
    login.log_out().await.map(|_| Redirect::to("/login"))
}

#[rocket::launch]
fn rocket() -> _ {
    let password_hash = "$argon2id$v=19$m=19456,t=2,p=1$sDAyZOsTZw4bsqNCLk8NiQ$0cSy5UFLgyeCuoPqdJpkbwii3RQBexUhtjBAfvVZh80";
    let users = Users(vec![User { name: "ada", password_hash }]);
    let manager = LoginManager::<User>::new().login_view("/login");
    rocket::build().manage(users).attach(manager).mount("/", routes![home, form, log_in, log_out])
}
