//! The launch: settings, the secret key, and migrations.

use crate::support::*;
use app::EventLog;
use diesel::connection::SimpleConnection;
use rocket::figment::providers::{Format, Toml};
use rocket::http::Cookie;
use rocket_login::Clock;

fn launch_error(toml: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let figment = figment(&dir).merge(Toml::string(toml).nested());
    match app::build(figment, Clock::default(), log) {
        Err(error) => error,
        Ok(_) => panic!("the app accepts these settings: {toml}"),
    }
}

#[test]
fn the_launch_error_names_the_invalid_setting() {
    for (setting, value) in [
        ("session_lifetime", "\"long\""),
        ("idle_timeout", "-1"),
        ("remember_lifetime", "0"),
        ("fresh_for", "1.5"),
        ("session_protection", "\"paranoid\""),
        ("secure_cookies", "\"maybe\""),
        ("sesion_lifetime", "5"),
    ] {
        let error = launch_error(&format!("[debug.login]\n{setting} = {value}"));
        assert!(error.contains(setting), "{error}");
        assert!(!error.contains(&format!("{setting}.login")), "{error}");
    }
    assert!(launch_error("[debug]\nlogin = 5").contains("login"));
    assert!(launch_error("[debug]\nstatic_dir = \"nowhere\"").contains("static_dir"));
    assert!(launch_error("[debug]\nstatic_dir = 5").starts_with("The setting static_dir "));
    for url in ["mysql://localhost/x", "postgres", "", "sqlite://", "sqlite://:memory:"] {
        assert!(
            launch_error(&format!("[debug]\ndatabase_url = {url:?}")).contains("DATABASE_URL"),
            "{url}"
        );
    }
    assert!(
        launch_error("[debug]\ndatabase_url = \"sqlite:///no/such/dir/x\"")
            .contains("/no/such/dir/x")
    );
}

#[test]
fn sessions_survive_a_restart() {
    let app = App::new();
    let cookies = app.registered("ada").cookies;
    let app = App::in_dir(app.stop(), "");
    let mut browser = app.browser();
    browser.cookies = cookies;
    browser.get("/dashboard").assert_contains("Welcome, ada!");
}

#[test]
fn a_new_secret_key_invalidates_session_cookies() {
    let key = |byte: &str| format!("[debug]\nsecret_key = \"{}\"", byte.repeat(64));
    let app = App::configured(&key("abcd"));
    let cookies = app.registered("ada").cookies;
    let app = App::in_dir(app.stop(), &key("efgh"));
    let mut browser = app.browser();
    browser.cookies = cookies;
    assert!(!browser.is_logged_in());
}

#[test]
fn session_rows_and_cookies_survive_a_new_secret_key() {
    let key = |byte: &str| format!("[debug]\nsecret_key = \"{}\"", byte.repeat(64));
    let app = App::configured(&key("abcd"));
    let cookies = app.registered("ada").cookies;
    let app = App::in_dir(app.stop(), &key("efgh"));
    let mut browser = app.browser();
    browser.cookies = cookies.clone();
    browser.get("/dashboard");
    assert_eq!(browser.cookies["login"].value(), cookies["login"].value());
    browser.log_in("ada");
    browser.get("/account").assert_contains(">Log out device</button>");
}

#[test]
fn rejects_short_or_invalid_keys_without_printing_them() {
    for key in
        ["c2hvcnQ=", "this text is not base64, although it is long enough", "AAAA", &"A".repeat(88)]
    {
        let error = launch_error(&format!("[debug]\nsecret_key = \"{key}\""));
        assert!(error.starts_with("ROCKET_SECRET_KEY"), "{error}");
        assert!(!error.contains(key), "{error}");
    }
    for key in [
        "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=".to_owned(),
        "Pia/".repeat(16),
        "eHh4".repeat(11),
    ] {
        App::configured(&format!("[debug]\nsecret_key = \"{key}\"")).registered("ada");
    }
}

#[test]
fn migrates_an_older_database() {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};
    let app = App::new();
    app.registered("ada");
    let hash = app.text("SELECT password_hash AS text FROM users");
    let dir = tempfile::tempdir().unwrap();
    let app = App::in_dir(dir, "");
    let mut database = app.database();
    let backend = if app.is_on_postgres() { "postgres" } else { "sqlite" };
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/").to_owned();
    let migrations = FileBasedMigrations::from_path(migrations + backend).unwrap();
    for _ in 0..2 {
        database.revert_last_migration(migrations.clone()).unwrap();
    }
    let user = format!("INSERT INTO users (username, password_hash) VALUES ('ada', '{hash}')");
    database.batch_execute(&user).unwrap();
    let app = App::in_dir(app.stop(), "");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
}

#[test]
fn uses_an_existing_users_table() {
    let app = App::new();
    app.registered("ada");
    let hash = app.text("SELECT password_hash AS text FROM users");
    let dir = tempfile::tempdir().unwrap();
    let statements = format!(
        "CREATE TABLE users (
             id BIGINT PRIMARY KEY, username VARCHAR(64), password_hash VARCHAR(255),
             is_active BOOLEAN DEFAULT TRUE, created_at BIGINT DEFAULT 0
         );
         INSERT INTO users (id, username, password_hash) VALUES (7, 'Grace', '{hash}')"
    );
    database(&dir).batch_execute(&statements).unwrap();
    let app = App::in_dir(dir, "");
    assert_eq!(app.browser().log_in("grace").location(), "/dashboard");
}

/// Loads a dump in which two columns of `sessions` have their old names.
#[test]
fn a_migration_keeps_users_sessions_and_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let (dump, cookie, dumped_at) = match database(&dir) {
        Database::Sqlite(_) => (
            include_str!("../fixtures/sqlite.sql"),
            include_str!("../fixtures/sqlite.cookie"),
            1_795_552_396,
        ),
        #[cfg(feature = "postgres")]
        Database::Postgres(_) => (
            include_str!("../fixtures/postgres.sql"),
            include_str!("../fixtures/postgres.cookie"),
            1_795_552_856,
        ),
    };
    database(&dir).batch_execute(dump).unwrap();
    let key = "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=";
    let app = App::in_dir_at(dir, dumped_at + 60, &format!("[debug]\nsecret_key = {key:?}"));
    let mut ada = app.browser();
    let cookie = Cookie::parse_encoded(format!("login={}", cookie.trim())).unwrap().into_owned();
    ada.cookies.insert("login".to_owned(), cookie);
    ada.get("/dashboard").assert_contains("Welcome, ada!");
    ada.get("/account").assert_contains("Logged in <time datetime=\"2026-11-24T20:");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 3);
    assert_eq!(app.browser().log_in("grace").location(), "/dashboard");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
}
