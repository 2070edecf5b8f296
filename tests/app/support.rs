//! An app of its own for each test, and browsers that visit it.

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
use rocket_login::Clock;
use tempfile::TempDir;

pub const PASSWORD: &str = "a horse that staples batteries";
pub const BEGIN: i64 = 1_900_000_000;

/// The app, on a database of its own and with a clock that the test winds.
pub struct App {
    client: Client,
    clock: Arc<AtomicI64>,
    events: Arc<Mutex<Vec<String>>>,
    dir: TempDir,
}

impl App {
    pub fn new() -> App {
        App::configured("")
    }

    /// With `toml` over the settings of `Rocket.toml`.
    pub fn configured(toml: &str) -> App {
        App::in_dir(tempfile::tempdir().unwrap(), toml)
    }

    /// On whatever database the directory holds.
    pub fn in_dir(dir: TempDir, toml: &str) -> App {
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let hands = clock.clone();
        let events = Arc::new(Mutex::new(Vec::new()));
        let lines = events.clone();
        let figment = figment(&dir).merge(Toml::string(toml).nested());
        let time = Clock::new(move || hands.load(Ordering::Relaxed));
        let log = EventLog::new(time.clone(), move |line| lines.lock().unwrap().push(line.into()));
        let rocket = app::build(figment, time, log).unwrap();
        App { client: Client::untracked(rocket).unwrap(), clock, events, dir }
    }

    /// The lines that were written for the operator since the last time this was asked.
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

    /// A browser in which `username` has just registered.
    pub fn registered(&self, username: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let form = [("username", username), ("password", PASSWORD)];
        assert_eq!(browser.post("/register", &form).location(), "/dashboard");
        browser
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The app's database, as an operator opens it.
    pub fn database(&self) -> Database {
        database(&self.dir)
    }

    pub fn sql(&self, statements: &str) {
        self.database().batch_execute(statements).unwrap();
    }

    /// The number that the query selects as `number`.
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

    /// Makes every change of that column fail.
    pub fn refuse_changes(&self, table: &str, column: &str) {
        self.refuse(&format!("UPDATE OF {column} ON {table}"));
    }

    /// Makes statements such as `INSERT ON users` fail.
    pub fn refuse(&self, statements: &str) {
        let trigger = format!("CREATE TRIGGER refuse BEFORE {statements}");
        self.sql(&if self.is_on_postgres() {
            format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                     AS 'BEGIN RAISE ''refused''; END';
                 {trigger} FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        } else {
            format!("{trigger} BEGIN SELECT raise(ABORT, 'refused'); END")
        });
    }

    /// Stops the app and gives back what it leaves.
    pub fn stop(self) -> TempDir {
        self.dir
    }
}

/// The database of an app in that directory, which may be one to come.
pub fn database(dir: &TempDir) -> Database {
    #[cfg(feature = "postgres")]
    if let Some(url) = postgres_url(dir) {
        return Database::Postgres(diesel::PgConnection::establish(&url).unwrap());
    }
    let path = dir.path().join("app.sqlite");
    let mut file = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    file.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON").unwrap();
    Database::Sqlite(file)
}

/// What `cargo run` reads, with the data elsewhere.
pub fn figment(dir: &TempDir) -> Figment {
    let figment = Figment::from(rocket::Config::debug_default())
        .merge(Toml::file(concat!(env!("CARGO_MANIFEST_DIR"), "/Rocket.toml")).nested())
        .merge(("data_dir", dir.path()))
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

/// On the server of `TEST_DATABASE_URL`, if there is one, each test has a schema of its own.
#[cfg(feature = "postgres")]
pub fn postgres_url(dir: &TempDir) -> Option<String> {
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let schema = dir.path().file_name().unwrap().to_str().unwrap().replace('.', "");
    let mut connection = diesel::PgConnection::establish(&server).unwrap();
    connection.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")).unwrap();
    Some(format!("{server}?options=-csearch_path%3D%22{schema}%22"))
}

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

/// Somebody's browser: it keeps the cookies that it is given and sends them back.
#[derive(Clone)]
pub struct Browser<'a> {
    app: &'a App,
    pub cookies: BTreeMap<String, Cookie<'static>>,
    pub user_agent: &'static str,
    pub address: IpAddr,
}

pub struct Answer {
    pub status: Status,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Browser<'_> {
    pub fn get(&mut self, path: &str) -> Answer {
        self.send(Method::Get, path, &[], None)
    }

    pub fn get_json(&mut self, path: &str) -> Answer {
        self.send(Method::Get, path, &[("Accept", "application/json")], None)
    }

    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Method::Post, path, &[], Some((ContentType::Form, &encode(form))))
    }

    pub fn log_in(&mut self, username: &str) -> Answer {
        self.post("/login", &[("username", username), ("password", PASSWORD)])
    }

    pub fn log_in_and_be_remembered(&mut self, username: &str) -> Answer {
        let form = [("username", username), ("password", PASSWORD), ("remember", "on")];
        self.post("/login", &form)
    }

    pub fn post_with(&mut self, path: &str, header: (&str, &str), form: &[(&str, &str)]) -> Answer {
        self.send(Method::Post, path, &[header], Some((ContentType::Form, &encode(form))))
    }

    /// Goes where a redirect points.
    pub fn follow(&mut self, answer: Answer) -> Answer {
        self.get(answer.location())
    }

    pub fn is_signed_in(&mut self) -> bool {
        self.get_json("/api/me").status == Status::Ok
    }

    /// Closes the browser and opens it again.
    pub fn restart(&mut self) {
        self.cookies.retain(|_, cookie| cookie.max_age().is_some());
    }

    pub fn cookie(&self) -> &Cookie<'static> {
        self.cookies.get("login").expect("a sign-in cookie")
    }

    pub fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<(ContentType, &[u8])>,
    ) -> Answer {
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
        let answer = Answer {
            status: response.status(),
            headers: response
                .headers()
                .iter()
                .map(|header| (header.name().as_str().to_lowercase(), header.value().to_owned()))
                .collect(),
            body: response.into_string().unwrap_or_default(),
        };
        for cookie in answer.set_cookies() {
            match cookie.max_age().is_some_and(|age| age.is_zero()) {
                true => self.cookies.remove(cookie.name()),
                false => self.cookies.insert(cookie.name().to_owned(), cookie),
            };
        }
        answer
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Where a 303 points; a test that asks for it expects one.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, Status::SeeOther, "{}", self.body);
        self.header("location").expect("a redirect says where to")
    }

    pub fn set_cookies(&self) -> Vec<Cookie<'static>> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| Cookie::parse_encoded(value.clone()).unwrap()).collect()
    }

    /// The messages on the page, as category and text.
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
    pub fn sets_no_cookie(&self) {
        assert_eq!(self.header("set-cookie"), None);
    }

    #[track_caller]
    pub fn shows(&self, text: &str) {
        assert!(self.body.contains(text), "{text:?} is not in this page:\n{}", self.body);
    }

    #[track_caller]
    pub fn hides(&self, text: &str) {
        assert!(!self.body.contains(text), "{text:?} is in this page:\n{}", self.body);
    }

    #[track_caller]
    pub fn flashed(&self, category: &str, message: &str) {
        assert_eq!(self.flashes(), [(category.to_owned(), message.to_owned())]);
    }
}

pub fn encode(form: &[(&str, &str)]) -> Vec<u8> {
    let pairs = form.iter().map(|(name, value)| {
        let value = rocket::http::RawStr::new(value).percent_encode();
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}
