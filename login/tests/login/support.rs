//! An app with in-memory users and server-side sessions.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use rocket::figment::Figment;
use rocket::http::{Header, Status};
use rocket::local::blocking::{Client, LocalResponse};
use rocket::{Build, Request, Rocket, get, post, routes};
use rocket_login::*;

#[derive(Debug, PartialEq)]
pub struct User {
    pub name: String,
    pub is_active: bool,
}

pub fn user(name: &str) -> User {
    User { name: name.to_owned(), is_active: name != "inactive" }
}

impl LoginUser for User {
    type Store = Users;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn is_active(&self) -> bool {
        self.is_active
    }
}

/// A store that maps session ids to usernames and records its calls.
#[derive(Default)]
pub struct Users {
    pub sessions: Mutex<HashMap<String, String>>,
    pub deactivated: Mutex<Vec<String>>,
    pub calls: Mutex<Vec<String>>,
    pub times: Mutex<Vec<i64>>,
    /// The method that fails.
    pub broken: Mutex<Option<&'static str>>,
    /// Whether `begin_session` returns `None`, as if the user were no longer allowed to log in.
    pub begins_none: Mutex<bool>,
}

#[derive(Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is unavailable")
    }
}

impl Users {
    fn called(&self, method: &'static str, argument: &str) -> Result<(), Broken> {
        self.calls.lock().unwrap().push(format!("{method} {argument}"));
        if *self.broken.lock().unwrap() == Some(method) { Err(Broken) } else { Ok(()) }
    }

    fn new_id(&self, user: &str) -> String {
        let mut sessions = self.sessions.lock().unwrap();
        let id = format!("{user}-{}", self.calls.lock().unwrap().len());
        sessions.insert(id.clone(), user.to_owned());
        id
    }
}

impl LoginStore for Users {
    type User = User;
    type Error = Broken;

    async fn load(&self, session_id: &str, now: i64) -> Result<Option<User>, Broken> {
        self.called("load", session_id)?;
        self.times.lock().unwrap().push(now);
        let sessions = self.sessions.lock().unwrap();
        let Some(name) = sessions.get(session_id) else { return Ok(None) };
        assert_ne!(name, "panic", "a loader that panics");
        let is_active = !self.deactivated.lock().unwrap().contains(name);
        Ok(Some(User { is_active, ..user(name) }))
    }

    async fn load_from_request(&self, request: &Request<'_>) -> Result<Option<User>, Broken> {
        let Some(key) = request.headers().get_one("X-Key") else { return Ok(None) };
        self.called("load_from_request", key)?;
        Ok((key != "unknown").then(|| user(key)))
    }

    async fn begin_session(
        &self,
        user: &User,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, Broken> {
        self.called("begin_session", &format!("{} {}", user.id(), session.user_agent))?;
        self.times.lock().unwrap().push(session.now);
        Ok((!*self.begins_none.lock().unwrap()).then(|| self.new_id(&user.name)))
    }

    async fn renew_session(
        &self,
        session_id: &str,
        session: &NewSession<'_>,
    ) -> Result<Option<String>, Broken> {
        let left = session.expires_at - session.now;
        let told = format!("{session_id} {} {left} {}", session.user_agent, session.remembered);
        self.called("renew_session", &told)?;
        let name = self.sessions.lock().unwrap().remove(session_id);
        Ok(name.map(|name| self.new_id(&name)))
    }

    async fn end_session(&self, session_id: &str) -> Result<bool, Broken> {
        self.called("end_session", session_id)?;
        Ok(self.sessions.lock().unwrap().remove(session_id).is_some())
    }
}

type CurrentUser = rocket_login::CurrentUser<User>;
type RequiredUser = rocket_login::RequiredUser<User>;
type FreshUser = rocket_login::FreshUser<User>;
type Login<'r> = rocket_login::Login<'r, User>;

#[post("/log-in/<name>?<remember>&<not_fresh>")]
async fn log_in(
    name: &str,
    remember: Remember,
    not_fresh: bool,
    login: Login<'_>,
) -> Result<String, AuthError> {
    let options = LoginOptions::from(remember);
    let options = if not_fresh { options.not_fresh() } else { options };
    let done = login.log_in(user(name), options).await?;
    Ok(format!("{done} {:?}", login.user().map(|user| user.name.clone())))
}

#[post("/log-in-for/<seconds>")]
async fn log_in_for(seconds: NonZeroU32, login: Login<'_>) {
    assert!(login.log_in(user("ada"), Remember::For(seconds)).await.unwrap());
}

/// Begins the session itself, like an app that creates the user in the same transaction.
#[post("/register/<name>")]
async fn register(name: &str, login: Login<'_>, users: &rocket::State<Users>) -> String {
    let session = login.new_session(Remember::No);
    let id = format!("registered-{}", session.now);
    users.sessions.lock().unwrap().insert(id.clone(), name.to_owned());
    login.log_in_with_session(user(name), id, session).await.unwrap().to_string()
}

#[post("/log-out")]
async fn log_out(login: Login<'_>) -> Result<String, AuthError> {
    let ended = login.log_out().await?;
    Ok(format!("ended={ended} user={:?}", login.user().map(|user| user.name.clone())))
}

#[post("/log-out-and-fail/<status>")]
async fn log_out_and_fail(status: u16, login: Login<'_>) -> Result<(), Result<AuthError, Status>> {
    login.log_out().await.map_err(Ok)?;
    Err(if status == 401 { Ok(AuthError::Unauthorized) } else { Err(Status::new(status)) })
}

#[post("/switch-to/<name>")]
async fn switch_to(name: &str, login: Login<'_>) -> Result<(), AuthError> {
    login.log_out().await?;
    login.log_in(user(name), Remember::No).await.map(drop)
}

/// Logs the user in with an existing session.
#[post("/log-in-with/<id>")]
async fn log_in_with(id: &str, login: Login<'_>) -> Result<String, AuthError> {
    let session = login.new_session(Remember::No);
    let done = login.log_in_with_session(user("ada"), id.to_owned(), session).await?;
    Ok(done.to_string())
}

#[get("/expires-in")]
fn expires_in(login: Login<'_>) -> String {
    let now = login.new_session(Remember::No).now;
    login.expires_at().map_or(String::new(), |expires_at| (expires_at - now).to_string())
}

#[post("/confirm")]
async fn confirm(login: Login<'_>) -> String {
    login.confirm().await.unwrap().to_string()
}

#[post("/replace-session/<id>")]
fn replace_session(id: &str, login: Login<'_>, users: &rocket::State<Users>) -> String {
    let mut sessions = users.sessions.lock().unwrap();
    let name = login.session_id().and_then(|old| sessions.remove(&old));
    sessions.extend(name.map(|name| (id.to_owned(), name)));
    login.replace_session(id.to_owned()).to_string()
}

#[get("/who")]
fn who(user: CurrentUser, login: Login<'_>) -> String {
    assert_eq!(user.is_authenticated(), user.user().is_some());
    let name = user.user().map_or("anonymous", |user| &user.name);
    format!("{name} fresh={} remembered={}", login.is_fresh(), login.is_remembered())
}

#[get("/members?<_page>")]
fn members(user: RequiredUser, _page: Option<&str>) -> String {
    user.name.clone()
}

#[get("/settings")]
fn settings(user: FreshUser) -> String {
    user.name.clone()
}

#[post("/settings/<_>/save")]
fn save(user: FreshUser) -> String {
    user.name.clone()
}

#[get("/result")]
fn result(user: Result<FreshUser, AuthError>) -> Result<String, AuthError> {
    Ok(user?.name.clone())
}

#[get("/own-error/<kind>")]
fn own_error(kind: &str) -> AuthError {
    match kind {
        "unauthorized" => AuthError::Unauthorized,
        "needs-refresh" => AuthError::NeedsRefresh,
        _ => AuthError::Unavailable,
    }
}

#[get("/static/<_>")]
fn file() {}

#[get("/static/members")]
fn exempt_members(_user: RequiredUser) {}

/// Creates a manager with views, as in most apps.
pub fn manager() -> LoginManager<User> {
    LoginManager::new()
        .login_view("/log-in?lang=en")
        .login_message("warning", "Members only.")
        .refresh_view("/confirm")
        .exempt("/static")
}

pub fn rocket(manager: LoginManager<User>) -> Rocket<Build> {
    quiet().manage(Users::default()).attach(manager).mount(
        "/",
        routes![
            log_in,
            log_in_for,
            register,
            log_out,
            log_out_and_fail,
            switch_to,
            log_in_with,
            expires_in,
            confirm,
            replace_session,
            who,
            members,
            settings,
            save,
            result,
            own_error,
            file,
            exempt_members
        ],
    )
}

/// Returns a configuration that disables the log and ignores `Rocket.toml`.
pub fn figment() -> Figment {
    Figment::from(rocket::Config::debug_default()).merge(("log_level", "off"))
}

pub fn quiet() -> Rocket<Build> {
    rocket::custom(figment())
}

pub fn client(manager: LoginManager<User>) -> Client {
    Client::tracked(rocket(manager)).unwrap()
}

pub fn users(client: &Client) -> &Users {
    client.rocket().state::<Users>().unwrap()
}

/// Returns the store's calls since the last call of this function.
pub fn calls(client: &Client) -> Vec<String> {
    std::mem::take(&mut users(client).calls.lock().unwrap())
}

pub fn log_in_as(client: &Client, name: &str) -> String {
    post_text(client, &format!("/log-in/{name}"))
}

pub fn get_text(client: &Client, path: &str) -> String {
    text(client.get(path.to_owned()).dispatch())
}

pub fn post_text(client: &Client, path: &str) -> String {
    text(client.post(path.to_owned()).dispatch())
}

pub fn get_from(client: &Client, path: &str, user_agent: &'static str) -> String {
    text(client.get(path.to_owned()).header(Header::new("User-Agent", user_agent)).dispatch())
}

pub fn text(response: LocalResponse<'_>) -> String {
    response.into_string().unwrap_or_default()
}

pub fn flash(response: &LocalResponse<'_>) -> Option<String> {
    response.cookies().get("_flash").map(|cookie| cookie.value().to_owned())
}

#[track_caller]
pub fn assert_redirects(response: &LocalResponse<'_>, location: &str) {
    assert_eq!(response.status(), Status::SeeOther);
    assert_eq!(response.headers().get_one("Location"), Some(location));
}

#[track_caller]
pub fn assert_sets_no_cookie(response: &LocalResponse<'_>) {
    assert_eq!(response.headers().get_one("Set-Cookie"), None);
}

/// Creates a clock that the test can set.
pub fn test_clock() -> (Arc<AtomicI64>, Clock) {
    let now = rocket::time::OffsetDateTime::now_utc().unix_timestamp();
    let seconds = Arc::new(AtomicI64::new(now));
    let shown = seconds.clone();
    (seconds, Clock::new(move || shown.load(Ordering::Relaxed)))
}

pub fn advance(clock: &AtomicI64, seconds: i64) {
    clock.fetch_add(seconds, Ordering::Relaxed);
}
