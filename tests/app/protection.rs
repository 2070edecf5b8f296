//! Session protection: a cookie in another browser.

use rocket::http::Status;

use crate::support::*;

const OTHER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/140.0.0.0 Safari/537.36";

fn setting(protection: &str) -> String {
    format!("[debug.login]\nsession_protection = \"{protection}\"")
}

#[test]
fn no_protection_accepts_any_browser_as_fresh() {
    let app = App::configured(&setting("none"));
    let mut browser = app.registered("ada");
    browser.user_agent = OTHER;
    assert_eq!(browser.get("/account/password").status, Status::Ok);
}

#[test]
fn basic_protection_accepts_another_browser_as_not_fresh() {
    for app in [App::new(), App::configured(&setting("basic"))] {
        let mut browser = app.registered("ada");
        let mut moved = browser.clone();
        moved.user_agent = OTHER;
        moved.get("/dashboard").assert_contains("No. Sensitive pages ask for your password.");
        let redirect = moved.get("/account/password");
        assert_eq!(redirect.location(), "/reauthenticate?next=/account/password");
        assert_eq!(browser.get("/account/password").status, Status::Ok);
        moved.post("/reauthenticate", &[("password", PASSWORD)]);
        assert_eq!(moved.get("/account/password").status, Status::Ok);
    }
}

#[test]
fn strong_protection_revokes_the_session() {
    let app = App::configured(&setting("strong"));
    let mut browser = app.registered("ada");
    assert!(browser.is_logged_in());
    let mut thief = browser.clone();
    thief.user_agent = OTHER;
    assert_eq!(thief.get("/dashboard").location(), "/login?next=/dashboard");
    assert!(!browser.is_logged_in());
}

#[test]
fn protection_ignores_the_address() {
    let app = App::configured(&setting("strong"));
    let mut browser = app.registered("ada");
    browser.address = "203.0.113.7".parse().unwrap();
    assert_eq!(browser.get("/account/password").status, Status::Ok);
}
