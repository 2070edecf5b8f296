//! Logout, and users who are deactivated or deleted.

use crate::support::*;

#[test]
fn opening_the_logout_page_does_not_log_the_user_out() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.get("/logout").assert_contains("<form method=\"post\" action=\"/logout\">");
    assert!(browser.is_logged_in());
}

#[test]
fn a_copied_cookie_does_not_work_after_logout() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let mut copy = browser.clone();
    assert!(copy.is_logged_in());
    browser.post("/logout", &[]);
    assert!(!browser.cookies.contains_key("login"));
    assert_eq!(copy.get("/dashboard").location(), "/login?next=/dashboard");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 0);
}

#[test]
fn a_logout_revokes_only_the_current_session() {
    let app = App::new();
    let mut current = app.registered("ada");
    let mut other = app.browser();
    other.log_in("ada");
    current.post("/logout", &[]);
    assert!(other.is_logged_in());
}

#[test]
fn a_logout_that_races_a_new_session_token_ends_the_session() {
    let app = App::new();
    let changes = [("/reauthenticate", "password"), ("/account/password", "new_password")];
    for (number, (path, field)) in changes.into_iter().enumerate() {
        let mut renewed = app.registered(&format!("user-{number}"));
        let mut old = renewed.clone();
        assert_eq!(renewed.post(path, &[(field, PASSWORD)]).status.code, 303);
        assert!(renewed.is_logged_in());
        assert!(!old.is_logged_in());
        assert_eq!(old.post("/logout", &[]).location(), "/");
        assert!(!renewed.is_logged_in(), "{path}");
    }
}

#[test]
fn a_logout_without_a_session_is_not_logged() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let mut copy = browser.clone();
    browser.post("/logout", &[]);
    app.events();
    copy.post("/logout", &[]);
    app.browser().post("/logout", &[]);
    assert_eq!(app.events(), Vec::<String>::new());
}

#[test]
fn the_logout_form_redirects_an_anonymous_user_to_the_home_page() {
    let app = App::new();
    let mut browser = app.browser();
    let logged_out = browser.post("/logout", &[]);
    assert_eq!(logged_out.location(), "/");
    browser.follow(logged_out).assert_flashes("info", "You have been logged out.");
}

#[test]
fn a_deactivated_users_session_stays_revoked_after_reactivation() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("UPDATE users SET is_active = FALSE");
    assert_eq!(browser.get("/dashboard").location(), "/login?next=/dashboard");
    app.sql("UPDATE users SET is_active = TRUE");
    assert!(!browser.is_logged_in());
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn requests_with_the_cookie_of_a_deleted_user_or_session_are_anonymous() {
    let app = App::new();
    let mut ada = app.registered("ada");
    let mut grace = app.registered("grace");
    app.sql("DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = 'ada')");
    app.sql("DELETE FROM users WHERE username = 'grace'");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 0);
    for browser in [&mut ada, &mut grace] {
        browser.get("/").assert_contains("href=\"/login\"");
        assert_eq!(browser.get("/dashboard").location(), "/login?next=/dashboard");
    }
}
