//! How long a login lasts, and what the database keeps of it.

use crate::support::*;

#[test]
fn what_the_database_keeps_is_no_cookie() {
    let app = App::new();
    let browser = app.registered("ada");
    let kept = app.text("SELECT hex(token_hash) AS text FROM sessions").to_lowercase();
    assert_eq!(kept.len(), 64);
    assert!(!browser.cookie().value().to_lowercase().contains(&kept));
    for value in [kept.clone(), format!("{{\"id\":\"{kept}\"}}")] {
        let mut thief = app.browser();
        thief.cookies.insert("login".into(), rocket::http::Cookie::new("login", value));
        assert!(!thief.is_signed_in());
    }
}

#[test]
fn a_busy_session_ends_12_hours_after_its_login() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for _ in 0..12 {
        app.pass(60 * 60 - 1);
        assert!(browser.is_signed_in());
    }
    app.pass(12);
    assert!(!browser.is_signed_in());
}

#[test]
fn an_idle_session_ends_after_2_hours_and_a_remembered_one_does_not() {
    let app = App::new();
    let mut idle = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_and_be_remembered("ada");
    app.pass(2 * 60 * 60 - 1);
    assert!(idle.clone().is_signed_in());
    app.pass(2 * 60 * 60);
    assert!(!idle.is_signed_in());
    assert!(remembered.is_signed_in());
}

#[test]
fn a_visit_is_written_down_at_most_once_a_minute() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let last_seen = || app.number("SELECT last_seen_at - 1900000000 AS number FROM sessions");
    for (wait, seen) in [(59, 0), (1, 60), (59, 60), (1, 120)] {
        app.pass(wait);
        browser.get("/dashboard");
        assert_eq!(last_seen(), seen);
    }
}

#[test]
fn expired_rows_are_cleared_away_at_the_next_login() {
    let app = App::new();
    app.registered("ada");
    app.browser().log_in_and_be_remembered("ada");
    app.pass(3 * 60 * 60);
    app.registered("grace");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE NOT remembered"), 1);
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE remembered"), 1);
}

#[test]
fn the_settings_are_obeyed() {
    let app = App::configured(
        "[debug.login]\nsession_lifetime = 100\nidle_timeout = 30\nremember_lifetime = 200",
    );
    let mut browser = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_and_be_remembered("ada");
    for _ in 0..4 {
        app.pass(24);
        assert!(browser.is_signed_in());
    }
    app.pass(4);
    assert!(!browser.is_signed_in());
    app.pass(99);
    assert!(remembered.is_signed_in());
    app.pass(1);
    assert!(!remembered.is_signed_in());
}

#[test]
fn a_stranger_and_a_picture_ask_the_database_nothing() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("ALTER TABLE users RENAME TO elsewhere");
    for path in ["/", "/login", "/register", "/logout", "/static/style.css", "/nowhere"] {
        assert!(app.browser().get(path).status.code < 500, "{path}");
    }
    assert_eq!(browser.get("/static/style.css").status.code, 200);
    assert_eq!(browser.get("/").status.code, 503);
}
