//! Starting: settings, the secret key, and databases of every age.

use crate::support::*;
use app::EventLog;
use diesel::connection::SimpleConnection;
use rocket::figment::providers::{Format, Toml};
use rocket_login::Clock;

fn refused(toml: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let figment = figment(&dir).merge(Toml::string(toml).nested());
    match app::build(figment, Clock::default(), log) {
        Err(sentence) => sentence,
        Ok(_) => panic!("the launch should stop: {toml}"),
    }
}

#[test]
fn a_wrong_setting_stops_the_launch_and_names_itself() {
    for (setting, value) in [
        ("session_lifetime", "\"long\""),
        ("idle_timeout", "-1"),
        ("remember_lifetime", "0"),
        ("fresh_for", "1.5"),
        ("session_protection", "\"paranoid\""),
        ("secure_cookies", "\"maybe\""),
        ("sesion_lifetime", "5"),
    ] {
        let sentence = refused(&format!("[debug.login]\n{setting} = {value}"));
        assert!(sentence.contains(setting), "{sentence}");
        assert!(!sentence.contains(&format!("{setting}.login")), "{sentence}");
    }
    assert!(refused("[debug]\nlogin = 5").contains("login"));
    assert!(refused("[debug]\nstatic_dir = \"nowhere\"").contains("static_dir"));
    for url in ["mysql://localhost/x", "postgres", "", "sqlite://", "sqlite://:memory:"] {
        assert!(
            refused(&format!("[debug]\ndatabase_url = {url:?}")).contains("DATABASE_URL"),
            "{url}"
        );
    }
    assert!(
        refused("[debug]\ndatabase_url = \"sqlite:///no/such/dir/x\"").contains("/no/such/dir/x")
    );
}

#[test]
fn a_restart_signs_nobody_out() {
    let app = App::new();
    let cookies = app.registered("ada").cookies;
    let app = App::in_dir(app.stop(), "");
    let mut browser = app.browser();
    browser.cookies = cookies;
    browser.get("/dashboard").shows("Welcome, ada!");
}

#[test]
fn another_key_opens_no_cookie() {
    let key = |byte: &str| format!("[debug]\nsecret_key = \"{}\"", byte.repeat(64));
    let app = App::configured(&key("abcd"));
    let cookies = app.registered("ada").cookies;
    let app = App::in_dir(app.stop(), &key("efgh"));
    let mut browser = app.browser();
    browser.cookies = cookies;
    assert!(!browser.is_signed_in());
}

#[test]
fn keys_are_256_bits_or_more_in_base64_and_never_repeated_in_a_message() {
    for key in
        ["c2hvcnQ=", "this is no base64 at all, but it is long enough", "AAAA", &"A".repeat(88)]
    {
        let sentence = refused(&format!("[debug]\nsecret_key = \"{key}\""));
        assert!(sentence.starts_with("ROCKET_SECRET_KEY"), "{sentence}");
        assert!(!sentence.contains(key), "{sentence}");
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
fn an_older_database_is_brought_up_to_date_with_its_users() {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};
    let app = App::new();
    app.registered("ada");
    let hash = app.text("SELECT password_hash AS text FROM users");
    let dir = tempfile::tempdir().unwrap();
    let app = App::in_dir(dir, "");
    let mut database = app.database();
    let database_name = if app.is_on_postgres() { "postgres" } else { "sqlite" };
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/").to_owned();
    let migrations = FileBasedMigrations::from_path(migrations + database_name).unwrap();
    database.revert_last_migration(migrations).unwrap();
    let user = format!("INSERT INTO users (username, password_hash) VALUES ('ada', '{hash}')");
    database.batch_execute(&user).unwrap();
    let app = App::in_dir(app.stop(), "");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
}

#[test]
fn a_table_of_users_that_somebody_made_by_hand_is_taken_over() {
    let app = App::new();
    app.registered("ada");
    let hash = app.text("SELECT password_hash AS text FROM users");
    let dir = tempfile::tempdir().unwrap();
    let by_hand = format!(
        "CREATE TABLE users (
             id BIGINT PRIMARY KEY, username VARCHAR(64), password_hash VARCHAR(255),
             is_active BOOLEAN DEFAULT TRUE, created_at BIGINT DEFAULT 0
         );
         INSERT INTO users (id, username, password_hash) VALUES (7, 'Grace', '{hash}')"
    );
    database(&dir).batch_execute(&by_hand).unwrap();
    let app = App::in_dir(dir, "");
    assert_eq!(app.browser().log_in("grace").location(), "/dashboard");
}
