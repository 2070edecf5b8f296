//! Test support: an app for each test, and simulated browsers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use app::EventLog;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::http::{ContentType, Cookie, Header, Method, Status};
use rocket::local::blocking::Client;
use rocket::{Build, Rocket};
use rocket_login::Clock;
use tempfile::TempDir;

#[path = "../shared/templates.rs"]
mod templates;
pub use templates::copy_templates;

pub const PASSWORD: &str = "a horse that staples batteries";
/// The time at which the clock of an app starts, as a Unix timestamp in seconds.
pub const START_TIME: i64 = 1_900_000_000;

/// An app with its own database, and with a clock that the test controls.
pub struct App {
    client: Client,
    time: Arc<AtomicI64>,
    events: Arc<Mutex<Vec<String>>>,
    dir: TempDir,
}

impl App {
    pub fn new() -> App {
        App::configured("")
    }

    /// Builds an app with the settings in `toml`, which override those in `Rocket.toml`.
    pub fn configured(toml: &str) -> App {
        App::in_dir(tempfile::tempdir().unwrap(), toml)
    }

    /// Builds an app to which `extend` adds routes.
    pub fn with(extend: impl FnOnce(Rocket<Build>) -> Rocket<Build>) -> App {
        App::build(tempfile::tempdir().unwrap(), START_TIME, extend, |figment| figment)
    }

    /// Builds an app in the release profile, with the settings in `toml`.
    pub fn release(toml: &str) -> App {
        let toml = Toml::string(toml).profile("release");
        let release = |figment: Figment| figment.merge(toml).select("release");
        App::build(tempfile::tempdir().unwrap(), START_TIME, |rocket| rocket, release)
    }

    /// Builds an app whose data directory is `dir`. Uses the existing database in `dir`, if any.
    pub fn in_dir(dir: TempDir, toml: &str) -> App {
        App::in_dir_at(dir, START_TIME, toml)
    }

    /// Builds an app whose data directory is `dir` and whose clock starts at `now`.
    pub fn in_dir_at(dir: TempDir, now: i64, toml: &str) -> App {
        let toml = Toml::string(toml).nested();
        App::build(dir, now, |rocket| rocket, |figment| figment.merge(toml))
    }

    fn build(
        dir: TempDir,
        now: i64,
        extend: impl FnOnce(Rocket<Build>) -> Rocket<Build>,
        configure: impl FnOnce(Figment) -> Figment,
    ) -> App {
        let time = Arc::new(AtomicI64::new(now));
        let clock_time = time.clone();
        let events = Arc::new(Mutex::new(Vec::new()));
        let lines = events.clone();
        let clock = Clock::new(move || clock_time.load(Ordering::Relaxed));
        let log = EventLog::new(clock.clone(), move |line| lines.lock().unwrap().push(line.into()));
        let rocket = extend(app::build(configure(figment(&dir)), clock, log).unwrap());
        App { client: Client::untracked(rocket).unwrap(), time, events, dir }
    }

    /// Returns the lines added to the event log since the last call.
    pub fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn browser(&self) -> Browser<'_> {
        Browser {
            app: self,
            cookies: BTreeMap::new(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    /// Registers `username`, and returns the browser that is now logged in.
    pub fn registered(&self, username: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let form = [("username", username), ("password", PASSWORD)];
        assert_eq!(browser.post("/register", &form).location(), "/dashboard");
        browser
    }

    pub fn advance(&self, seconds: i64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Waits until the app has recorded the last request as a visit, which happens in the
    /// background.
    pub fn wait_for_recorded_visit(&self) {
        let now = self.time.load(Ordering::Relaxed);
        let is_recorded = || last_seen_at(&mut self.database()) == now;
        let started = std::time::Instant::now();
        while !is_recorded() {
            assert!(started.elapsed().as_secs() < 10, "the visit was not recorded");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Connects to the app's database.
    pub fn database(&self) -> Database {
        database(&self.dir)
    }

    pub fn sql(&self, statements: &str) {
        self.database().batch_execute(statements).unwrap();
    }

    /// Runs a query that selects a single value named `number`, and returns the value.
    pub fn number(&self, query: &str) -> i64 {
        let row: Number = diesel::sql_query(query).get_result(&mut self.database()).unwrap();
        row.number
    }

    pub fn text(&self, query: &str) -> String {
        let row: Text = diesel::sql_query(query).get_result(&mut self.database()).unwrap();
        row.text
    }

    pub fn bytes(&self, query: &str) -> Vec<u8> {
        let row: Bytes = diesel::sql_query(query).get_result(&mut self.database()).unwrap();
        row.bytes
    }

    pub fn is_on_postgres(&self) -> bool {
        !matches!(self.database(), Database::Sqlite(_))
    }

    /// Makes every update of `column` in `table` fail.
    pub fn fail_updates(&self, table: &str, column: &str) {
        self.fail(&format!("UPDATE OF {column} ON {table}"));
    }

    /// Makes all statements of a kind, such as `INSERT ON users`, fail.
    pub fn fail(&self, statements: &str) {
        let trigger = format!("CREATE TRIGGER fail BEFORE {statements}");
        self.sql(&if self.is_on_postgres() {
            format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
                     AS 'BEGIN RAISE ''failed''; END';
                 {trigger} FOR EACH ROW EXECUTE FUNCTION fail()"
            )
        } else {
            format!("{trigger} BEGIN SELECT raise(ABORT, 'failed'); END")
        });
    }

    /// Stops the app, and returns the data directory.
    pub fn stop(self) -> TempDir {
        self.dir
    }
}

/// Connects to the database of the app whose data directory is `dir`.
pub fn database(dir: &TempDir) -> Database {
    #[cfg(feature = "postgres")]
    if let Some(url) = postgres_url(dir) {
        return Database::Postgres(diesel::PgConnection::establish(&url).unwrap());
    }
    let path = dir.path().join("app.sqlite");
    let mut connection = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON").unwrap();
    Database::Sqlite(connection)
}

/// Returns the latest `last_seen_at` of all sessions.
pub fn last_seen_at(database: &mut Database) -> i64 {
    let query = "SELECT max(last_seen_at) AS number FROM sessions";
    let row: Number = diesel::sql_query(query).get_result(database).unwrap();
    row.number
}

/// Returns the number of sessions.
pub fn count_sessions(database: &mut Database) -> i64 {
    let query = diesel::sql_query("SELECT count(*) AS number FROM sessions");
    let row: Number = query.get_result(database).unwrap();
    row.number
}

/// Returns the settings of a debug run whose data directory is `dir`. Disables Rocket's log.
/// Disables the demo, because its panel repeats much of a page.
pub fn figment(dir: &TempDir) -> Figment {
    let figment = Figment::from(rocket::Config::debug_default())
        .merge(Toml::file(concat!(env!("CARGO_MANIFEST_DIR"), "/Rocket.toml")).nested())
        .merge(("data_dir", dir.path()))
        .merge(Toml::string("debug.demo = false").nested())
        .merge(("log_level", "off"));
    #[cfg(feature = "postgres")]
    let figment = match postgres_url(dir) {
        Some(url) => {
            figment.merge(rocket::figment::providers::Serialized::default("database_url", url))
        }
        None => figment,
    };
    figment.select("debug")
}

/// Creates a schema for this test on the server at `TEST_DATABASE_URL`, and returns the URL of the
/// schema. Returns `None` if `TEST_DATABASE_URL` is not set.
#[cfg(feature = "postgres")]
pub fn postgres_url(dir: &TempDir) -> Option<String> {
    let server_url = std::env::var("TEST_DATABASE_URL").ok()?;
    let schema = dir.path().file_name().unwrap().to_str().unwrap().replace('.', "");
    let mut connection = diesel::PgConnection::establish(&server_url).unwrap();
    connection.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).unwrap();
    Some(format!("{server_url}?options=-csearch_path%3D%22{schema}%22"))
}

/// A connection to the app's database.
#[derive(diesel::MultiConnection)]
pub enum Database {
    #[cfg(feature = "postgres")]
    Postgres(diesel::PgConnection),
    Sqlite(diesel::SqliteConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = diesel::sql_types::Binary)]
    bytes: Vec<u8>,
}

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// A simulated browser, which stores cookies.
#[derive(Clone)]
pub struct Browser<'a> {
    app: &'a App,
    pub cookies: BTreeMap<String, Cookie<'static>>,
    pub user_agent: &'static str,
    pub address: IpAddr,
}

pub struct Response {
    pub status: Status,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Browser<'_> {
    pub fn get(&mut self, path: &str) -> Response {
        self.send(Method::Get, path, &[], None)
    }

    pub fn get_json(&mut self, path: &str) -> Response {
        self.send(Method::Get, path, &[("Accept", "application/json")], None)
    }

    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send(Method::Post, path, &[], Some((ContentType::Form, &encode(form))))
    }

    pub fn log_in(&mut self, username: &str) -> Response {
        self.post("/login", &[("username", username), ("password", PASSWORD)])
    }

    pub fn log_in_remembered(&mut self, username: &str) -> Response {
        let form = [("username", username), ("password", PASSWORD), ("remember", "on")];
        self.post("/login", &form)
    }

    pub fn post_with(
        &mut self,
        path: &str,
        header: (&str, &str),
        form: &[(&str, &str)],
    ) -> Response {
        self.send(Method::Post, path, &[header], Some((ContentType::Form, &encode(form))))
    }

    /// Requests the page to which `response` redirects.
    pub fn follow(&mut self, response: Response) -> Response {
        self.get(response.location())
    }

    pub fn is_logged_in(&mut self) -> bool {
        self.get_json("/api/me").status == Status::Ok
    }

    /// Simulates a restart of the browser, which deletes every cookie without a `Max-Age`.
    pub fn restart(&mut self) {
        self.cookies.retain(|_, cookie| cookie.max_age().is_some());
    }

    pub fn cookie(&self) -> &Cookie<'static> {
        self.cookies.get("login").expect("there is no session cookie")
    }

    pub fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(ContentType, &[u8])>,
    ) -> Response {
        let mut request = self.app.client.req(method, path);
        request.set_remote((self.address, 50_000).into());
        request.add_header(Header::new("User-Agent", self.user_agent));
        for (name, value) in headers {
            request.add_header(Header::new(name.to_string(), value.to_string()));
        }
        let mut request = request.cookies(self.cookies.values().cloned());
        if let Some((content_type, bytes)) = body {
            request = request.header(content_type).body(bytes);
        }
        let response = request.dispatch();
        let response = Response {
            status: response.status(),
            headers: response
                .headers()
                .iter()
                .map(|header| (header.name().as_str().to_lowercase(), header.value().to_owned()))
                .collect(),
            body: response.into_string().unwrap_or_default(),
        };
        for cookie in response.set_cookies() {
            match cookie.max_age().is_some_and(|age| age.is_zero()) {
                true => self.cookies.remove(cookie.name()),
                false => self.cookies.insert(cookie.name().to_owned(), cookie),
            };
        }
        response
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|(_, value)| value.as_str())
    }

    /// Returns the `Location` of a 303 response. Panics if the status is not 303.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, Status::SeeOther, "{}", self.body);
        self.header("location").expect("the redirect has no `Location`")
    }

    pub fn set_cookies(&self) -> Vec<Cookie<'static>> {
        let headers = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        headers.map(|(_, value)| Cookie::parse_encoded(value.clone()).unwrap()).collect()
    }

    /// Returns the page's flash messages, each as its category and text.
    pub fn flashes(&self) -> Vec<(String, String)> {
        let messages = self.body.split("<p class=\"flash ").skip(1);
        messages
            .map(|rest| {
                let (category, rest) = rest.split_once('"').unwrap();
                let (_, rest) = rest.split_once('>').unwrap();
                (category.to_owned(), rest.split_once("</p>").unwrap().0.to_owned())
            })
            .collect()
    }

    #[track_caller]
    pub fn assert_sets_no_cookie(&self) {
        assert_eq!(self.header("set-cookie"), None);
    }

    #[track_caller]
    pub fn assert_contains(&self, text: &str) {
        assert!(self.body.contains(text), "{text:?} is not in this page:\n{}", self.body);
    }

    #[track_caller]
    pub fn assert_lacks(&self, text: &str) {
        assert!(!self.body.contains(text), "{text:?} is in this page:\n{}", self.body);
    }

    #[track_caller]
    pub fn assert_flashes(&self, category: &str, message: &str) {
        assert_eq!(self.flashes(), [(category.to_owned(), message.to_owned())]);
    }
}

/// Encodes a form as the body of a request.
pub fn encode(form: &[(&str, &str)]) -> Vec<u8> {
    let pairs = form.iter().map(|(name, value)| {
        let value = rocket::http::RawStr::new(value).percent_encode();
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}
