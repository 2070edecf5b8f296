// Most sites need more than `minimal.rs`: server-side sessions, registration and reauthentication.
// Try this: register, log in on two devices, log out on one device, and change the password.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use rocket::form::{Form, FromForm};
use rocket::request::FlashMessage;
use rocket::response::{Flash, Redirect};
use rocket::tokio::task::spawn_blocking;
use rocket::{State, get, launch, post, routes};
use rocket_login::{AuthError, LoginManager, LoginStore, LoginUser, NewSession, Next, Remember};

type CurrentUser = rocket_login::CurrentUser<User>;
type RequiredUser = rocket_login::RequiredUser<User>;
type FreshUser = rocket_login::FreshUser<User>;
type Login<'r> = rocket_login::Login<'r, User>;

#[derive(Clone)]
struct User {
    name: String,
    password_hash: String,
}

impl LoginUser for User {
    type Store = Store;

    fn id(&self) -> String {
        self.name.clone()
    }
}

/// Users by username, and usernames by session id.
#[derive(Default)]
struct Tables {
    users: HashMap<String, User>,
    sessions: HashMap<String, String>,
}

#[derive(Default)]
struct Store(Mutex<Tables>);

impl Store {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoginStore for Store {
    type User = User;
    /// Only the operating system's random source can fail. A database would have more errors.
    type Error = getrandom::Error;

    async fn load(&self, session_id: &str, _now: i64) -> Result<Option<User>, Self::Error> {
        let tables = self.lock();
        let name = tables.sessions.get(session_id);
        Ok(name.and_then(|name| tables.users.get(name)).cloned())
    }

    async fn begin_session(
        &self,
        user: &User,
        _: &NewSession<'_>,
    ) -> Result<Option<String>, Self::Error> {
        let session_id = new_session_id()?;
        let mut tables = self.lock();
        // Rejects the login if the password was changed during the password check.
        let stored = tables.users.get(&user.name);
        if stored.is_none_or(|stored| stored.password_hash != user.password_hash) {
            return Ok(None);
        }
        tables.sessions.insert(session_id.clone(), user.name.clone());
        Ok(Some(session_id))
    }

    async fn renew_session(
        &self,
        session_id: &str,
        _: &NewSession<'_>,
    ) -> Result<Option<String>, Self::Error> {
        let new_id = new_session_id()?;
        let mut tables = self.lock();
        let Some(name) = tables.sessions.remove(session_id) else { return Ok(None) };
        tables.sessions.insert(new_id.clone(), name);
        Ok(Some(new_id))
    }

    async fn end_session(&self, session_id: &str) -> Result<bool, Self::Error> {
        Ok(self.lock().sessions.remove(session_id).is_some())
    }
}

fn new_session_id() -> Result<String, getrandom::Error> {
    Ok(format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
}

#[derive(FromForm)]
struct Credentials {
    username: String,
    password: String,
    remember: Remember,
    next: Option<Next>,
}

#[post("/register", data = "<form>")]
async fn register(
    form: Form<Credentials>,
    store: &State<Store>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, AuthError> {
    let Credentials { username, password, remember, .. } = form.into_inner();
    let Some(password_hash) = hash(password).await else { return Err(AuthError::Unavailable) };
    let user = User { name: username.clone(), password_hash };
    match store.lock().users.entry(username) {
        Entry::Vacant(place) => place.insert(user.clone()),
        Entry::Occupied(_) => {
            return Ok(Flash::error(Redirect::to("/"), "This username is taken."));
        }
    };
    login.log_in(user, remember).await?;
    Ok(Flash::success(Redirect::to("/"), "Welcome."))
}

/// Logs an anonymous user in.
#[post("/login", data = "<form>")]
async fn log_in(
    form: Form<Credentials>,
    store: &State<Store>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, AuthError> {
    let Credentials { username, password, remember, next } = form.into_inner();
    let user = store.lock().users.get(&username).cloned();
    // Checks a dummy hash for an unknown username, so that the response time does not reveal which
    // usernames exist.
    let hash = user.as_ref().map_or(DUMMY_HASH, |user| &user.password_hash).to_owned();
    let is_right = verify(password, hash).await;
    if let Some(user) = user.filter(|_| is_right) {
        if login.log_in(user, remember).await? {
            let page = next.map_or_else(|| Redirect::to("/"), Redirect::from);
            return Ok(Flash::success(page, "Login successful."));
        }
    }
    Ok(Flash::error(Redirect::to("/"), "Invalid username or password."))
}

#[derive(FromForm)]
struct PasswordForm {
    password: String,
    next: Option<Next>,
}

/// Makes the login fresh after the user has entered the password again.
#[post("/reauthenticate", data = "<form>")]
async fn reauthenticate(
    user: RequiredUser,
    form: Form<PasswordForm>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, AuthError> {
    let PasswordForm { password, next } = form.into_inner();
    if !verify(password, user.password_hash.clone()).await {
        return Ok(Flash::error(Redirect::to("/"), "Invalid password."));
    }
    if !login.confirm().await? {
        return Err(AuthError::Unauthorized);
    }
    let page = next.map_or_else(|| Redirect::to("/"), Redirect::from);
    Ok(Flash::success(page, "Thank you."))
}

/// Changes the password, revokes the user's other sessions, and gives the current session a new id.
#[post("/password", data = "<form>")]
async fn change_password(
    user: FreshUser,
    form: Form<PasswordForm>,
    store: &State<Store>,
    login: Login<'_>,
) -> Result<Flash<Redirect>, AuthError> {
    let password_hash = hash(form.into_inner().password).await.ok_or(AuthError::Unavailable)?;
    let old_id = login.session_id().ok_or(AuthError::Unauthorized)?;
    let new_id = new_session_id().map_err(|_| AuthError::Unavailable)?;
    let mut tables = store.lock();
    // Checks the session again, because it might have been revoked while the password was hashed.
    tables.sessions.remove(&old_id).ok_or(AuthError::Unauthorized)?;
    tables.sessions.retain(|_, name| *name != user.name);
    tables.sessions.insert(new_id.clone(), user.name.clone());
    tables.users.insert(user.name.clone(), User { name: user.name.clone(), password_hash });
    drop(tables);
    login.replace_session(new_id);
    Ok(Flash::success(Redirect::to("/"), "Password changed."))
}

#[post("/logout")]
async fn log_out(login: Login<'_>) -> Result<Flash<Redirect>, AuthError> {
    login.log_out().await?;
    Ok(Flash::success(Redirect::to("/"), "You have been logged out."))
}

#[get("/")]
fn home(user: CurrentUser, flash: Option<FlashMessage<'_>>) -> String {
    let message = flash.map_or(String::new(), |flash| flash.message().to_owned());
    let name = user.user().map_or("anonymous", |user| &user.name);
    format!("{message} You are {name}.")
}

const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn hash(password: String) -> Option<String> {
    let hash = move || -> Option<String> {
        let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).ok()?;
        Some(hash.to_string())
    };
    spawn_blocking(hash).await.ok().flatten()
}

async fn verify(password: String, hash: String) -> bool {
    let check = move || Argon2::default().verify_password(password.as_bytes(), hash.as_str());
    spawn_blocking(check).await.is_ok_and(|checked| checked.is_ok())
}

#[launch]
fn rocket() -> _ {
    let manager = LoginManager::<User>::new().login_view("/").refresh_view("/");
    let routes = routes![home, register, log_in, reauthenticate, change_password, log_out];
    rocket::build().manage(Store::default()).attach(manager).mount("/", routes)
}
