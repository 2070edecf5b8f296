//! Logging out, and being logged out.

use crate::support::*;

#[test]
fn asking_to_log_out_ends_nothing() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.get("/logout").shows("<form method=\"post\" action=\"/logout\">");
    assert!(browser.is_signed_in());
}

#[test]
fn a_copied_cookie_is_dead_after_the_logout() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let mut copy = browser.clone();
    assert!(copy.is_signed_in());
    browser.post("/logout", &[]);
    assert!(!browser.cookies.contains_key("login"));
    assert_eq!(copy.get("/dashboard").location(), "/login?next=/dashboard");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 0);
}

#[test]
fn a_logout_ends_this_session_and_no_other() {
    let app = App::new();
    let mut here = app.registered("ada");
    let mut there = app.browser();
    there.log_in("ada");
    here.post("/logout", &[]);
    assert!(there.is_signed_in());
}

#[test]
fn a_stranger_may_log_out_too() {
    let app = App::new();
    let mut browser = app.browser();
    let out = browser.post("/logout", &[]);
    assert_eq!(out.location(), "/");
    browser.follow(out).flashed("info", "You have been logged out.");
}

#[test]
fn a_deactivated_user_is_out_on_the_next_request_and_for_good() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("UPDATE users SET is_active = FALSE");
    assert_eq!(browser.get("/dashboard").location(), "/login?next=/dashboard");
    app.sql("UPDATE users SET is_active = TRUE");
    assert!(!browser.is_signed_in());
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn a_deleted_user_and_a_deleted_session_are_out_and_no_error() {
    let app = App::new();
    let mut ada = app.registered("ada");
    let mut grace = app.registered("grace");
    app.sql("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = 'ada')");
    app.sql("DELETE FROM users WHERE username = 'grace'");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 0);
    for browser in [&mut ada, &mut grace] {
        browser.get("/").shows("href=\"/login\"");
        assert_eq!(browser.get("/dashboard").location(), "/login?next=/dashboard");
    }
}
