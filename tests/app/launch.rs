//! The launch: settings, the secret key, and migrations.

use std::collections::BTreeMap;

use crate::support::*;
use app::EventLog;
use diesel::connection::SimpleConnection;
use rocket::figment::providers::{Format, Toml};
use rocket::http::{Cookie, Method, Status};
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

/// Keys of all lengths that Rocket treats differently: it derives a key from fewer than 64 bytes.
fn keys() -> [String; 4] {
    ["abc=", "abcd", "efgh", "ijkl"].map(|start| match start.strip_suffix('=') {
        Some(_) => "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=".to_owned(),
        None => start.repeat(match start {
            "abcd" => 16,
            "efgh" => 22,
            _ => 64,
        }),
    })
}

/// Stops the app, and starts it with another key. The previous keys are still accepted.
fn change_key(app: App, key: &str, previous: &[&str]) -> App {
    let settings = format!("[debug]\nsecret_key = {key:?}\nprevious_secret_keys = {previous:?}");
    App::in_dir_at(app.stop(), START_TIME + 60, &settings)
}

#[test]
fn a_new_secret_key_logs_no_one_out_if_the_old_key_is_a_previous_key() {
    let keys = keys();
    for old in 0..keys.len() {
        let new = &keys[(old + 1) % keys.len()];
        let app = App::configured(&format!("[debug]\nsecret_key = {:?}", keys[old]));
        let mut cookies = app.registered("ada").cookies;
        let mut remembered = app.browser();
        remembered.log_in_remembered("ada");
        let mut remembered = remembered.cookies;

        let app = change_key(app, new, &["AbcD".repeat(20).as_str(), &keys[old]]);
        for (cookies, max_age) in [(&mut cookies, None), (&mut remembered, Some(2_592_000 - 60))] {
            let mut browser = app.browser();
            browser.cookies = cookies.clone();
            browser.get("/dashboard").assert_contains("Welcome, ada!");
            let cookie = browser.cookie();
            assert_ne!(cookie.value(), cookies["login"].value());
            assert_ne!(browser.cookies["device"].value(), cookies["device"].value());
            assert_eq!(cookie.max_age().map(|age| age.whole_seconds()), max_age);
            // Both cookies now have the new key, so the next response sets none.
            assert!(browser.get("/dashboard").headers.iter().all(|(name, _)| name != "set-cookie"));
            *cookies = browser.cookies.clone();
        }

        let app = change_key(app, new, &[]);
        for cookies in [cookies, remembered] {
            let mut browser = app.browser();
            browser.cookies = cookies;
            browser.get("/dashboard").assert_contains("Welcome, ada!");
            // A known device is not blocked by failures elsewhere.
            let mut other = app.browser();
            while other.post("/login", &[("username", "ada"), ("password", "wrong")]).status
                != Status::TooManyRequests
            {}
            browser.cookies.remove("login");
            assert_eq!(browser.log_in("ada").location(), "/dashboard");
        }
    }
}

#[test]
fn a_new_secret_key_does_not_restore_a_revoked_session() {
    let [old, new, ..] = keys();
    let app = App::configured(&format!("[debug]\nsecret_key = {old:?}"));
    let mut browser = app.registered("ada");
    let cookies = browser.cookies.clone();
    browser.post("/logout", &[]);
    let app = change_key(app, &new, &[&old]);
    let mut browser = app.browser();
    browser.cookies = cookies.clone();
    assert!(!browser.is_logged_in());
    assert_eq!(browser.cookie().value(), cookies["login"].value());
}

/// Returns an app with a new key, which accepts the previous one, and the cookies of a user under the previous key.
fn registered_before_the_key_changed() -> (App, BTreeMap<String, Cookie<'static>>) {
    let [old, new, ..] = keys();
    let app = App::configured(&format!("[debug]\nsecret_key = {old:?}"));
    let cookies = app.registered("ada").cookies;
    (change_key(app, &new, &[&old]), cookies)
}

#[test]
fn a_login_under_a_previous_key_is_not_fresh() {
    let [old, new, ..] = keys();
    let app = App::configured(&format!("[debug]\nsecret_key = {old:?}"));
    let mut browser = app.registered("ada");
    assert_eq!(browser.get("/account/password").status, Status::Ok);
    let cookies = browser.cookies;
    let app = change_key(app, &new, &[&old]);
    let mut browser = app.browser();
    browser.cookies = cookies;
    for _ in 0..2 {
        let response = browser.get("/account/password");
        assert_eq!(response.location(), "/reauthenticate?next=/account/password");
    }
    browser.post("/reauthenticate", &[("password", PASSWORD)]);
    assert_eq!(browser.get("/account/password").status, Status::Ok);
}

#[test]
fn requests_of_scripts_do_not_replace_a_cookie_under_a_previous_key() {
    let (app, cookies) = registered_before_the_key_changed();
    let mut browser = app.browser();
    browser.cookies = cookies.clone();
    let mut get_for = |destination| {
        let headers = [("Sec-Fetch-Dest", destination)];
        browser.send(Method::Get, "/dashboard", &headers, None).assert_contains("Welcome, ada!");
        ["login", "device"].map(|name| browser.cookies[name].value() == cookies[name].value())
    };
    assert_eq!(get_for("empty"), [true; 2]);
    assert_eq!(get_for("image"), [true; 2]);
    assert_eq!(get_for("document"), [false; 2]);
}

#[test]
fn a_failing_database_and_static_files_leave_cookies_under_the_previous_key() {
    let (app, cookies) = registered_before_the_key_changed();
    let mut browser = app.browser();
    browser.cookies = cookies.clone();
    assert_eq!(browser.get("/static/style.css").status, Status::Ok);
    assert_eq!(browser.cookies["device"].value(), cookies["device"].value());
    assert_eq!(browser.get("/healthz").status, Status::Ok);
    assert_eq!(browser.cookies["login"].value(), cookies["login"].value());
    let device = browser.cookies["device"].value().to_owned();
    app.sql("ALTER TABLE users RENAME TO renamed");
    assert_eq!(browser.get("/dashboard").status, Status::ServiceUnavailable);
    assert_eq!(browser.cookie().value(), cookies["login"].value());
    assert_eq!(device, browser.cookies["device"].value());
}

#[test]
fn rejects_invalid_previous_keys_without_printing_them() {
    let valid = keys()[0].clone();
    for invalid in ["c2hvcnQ=", "this text is not base64, although it is long enough", "AAAA"] {
        for list in [format!("{invalid:?}"), format!("[{valid:?}, {invalid:?}]")] {
            let error = launch_error(&format!("[debug]\nprevious_secret_keys = {list}"));
            assert!(error.starts_with("ROCKET_PREVIOUS_SECRET_KEYS"), "{error}");
            assert!(!error.contains(invalid) && !error.contains(&valid), "{error}");
        }
    }
    for value in ["5", "[5]", "true"] {
        let error = launch_error(&format!("[debug]\nprevious_secret_keys = {value}"));
        assert!(error.starts_with("ROCKET_PREVIOUS_SECRET_KEYS"), "{error}");
    }
    for valid in ["\"\"", "[]", &format!("{valid:?}")] {
        App::configured(&format!("[debug]\nprevious_secret_keys = {valid}")).registered("ada");
    }
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
    let count = if app.is_on_postgres() { 4 } else { 2 };
    for _ in 0..count {
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
