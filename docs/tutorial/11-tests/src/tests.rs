use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rocket::http::{ContentType, Status};
use rocket::local::blocking::{Client, LocalResponse};
use rocket_login::{Clock, testing};
use tempfile::TempDir;

use crate::build;
use crate::db::Db;

const ADA: &str = "username=ada&password=a horse that staples batteries";

/// An app with its own database and clock, and a browser.
struct App {
    client: Client,
    time: Arc<AtomicI64>,
    _dir: TempDir,
}

impl App {
    fn new() -> App {
        let dir = TempDir::new().unwrap();
        let db = Db::open(dir.path().join("test.sqlite").to_str().unwrap()).unwrap();
        let time = Arc::new(AtomicI64::new(1_900_000_000));
        let now = time.clone();
        let clock = Clock::new(move || now.load(Ordering::Relaxed));
        let settings = rocket::Config::figment().merge(("log_level", "off"));
        let client = Client::tracked(build(settings, db, clock)).unwrap();
        App { client, time, _dir: dir }
    }

    fn post(&self, path: &str, form: &str) -> LocalResponse<'_> {
        let request = self.client.post(path.to_owned()).header(ContentType::Form).body(form);
        request.remote("127.0.0.1:9000".parse().unwrap()).dispatch()
    }

    fn dashboard(&self) -> Status {
        self.client.get("/dashboard").dispatch().status()
    }
}

#[test]
fn a_copied_cookie_does_not_work_after_logout() {
    let app = App::new();
    app.post("/register", ADA);
    assert_eq!(app.dashboard(), Status::Ok);
    let copy = app.client.cookies().get("login").unwrap().clone();
    app.post("/logout", "");
    let response = app.client.get("/dashboard").cookie(copy).dispatch();
    assert_eq!(response.headers().get_one("Location"), Some("/login?next=/dashboard"));
}

#[test]
fn a_session_expires_after_12_hours() {
    let app = App::new();
    app.post("/register", ADA);
    app.time.fetch_add(12 * 60 * 60 - 1, Ordering::Relaxed);
    assert_eq!(app.dashboard(), Status::Ok);
    app.time.fetch_add(2, Ordering::Relaxed);
    assert_eq!(app.dashboard(), Status::SeeOther);
}

#[test]
fn users_who_are_not_admins_cannot_see_the_list_of_users() {
    let app = App::new();
    app.post("/register", "username=mallory&password=correct horse battery staple");
    assert_eq!(app.client.get("/users").dispatch().status(), Status::Forbidden);
}

#[test]
fn only_these_routes_are_open_to_anonymous_users() {
    let dir = TempDir::new().unwrap();
    let db = Db::open(dir.path().join("test.sqlite").to_str().unwrap()).unwrap();
    let settings = rocket::Config::figment().merge(("log_level", "off"));
    let app = build(settings, db, Clock::default());
    let open = [
        "GET /",
        "GET /cross-site",
        "GET /login?<next>",
        "GET /register",
        "POST /login",
        "POST /logout",
        "POST /register",
    ];
    assert_eq!(testing::unprotected_routes(app).unwrap(), open);
}
