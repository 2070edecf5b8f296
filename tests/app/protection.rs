//! Session protection, which detects a session cookie in another browser.

use rocket::http::Status;

use crate::support::*;

const OTHER_USER_AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/140.0.0.0 Safari/537.36";

fn setting(protection: &str) -> String {
    format!("[debug.login]\nsession_protection = \"{protection}\"")
}

#[test]
fn without_protection_a_session_stays_fresh_in_another_browser() {
    let app = App::configured(&setting("none"));
    let mut browser = app.registered("ada");
    browser.user_agent = OTHER_USER_AGENT;
    assert_eq!(browser.get("/account/password").status, Status::Ok);
}

#[test]
fn with_basic_protection_a_session_is_not_fresh_in_another_browser() {
    for app in [App::new(), App::configured(&setting("basic"))] {
        let mut browser = app.registered("ada");
        let mut copy = browser.clone();
        copy.user_agent = OTHER_USER_AGENT;
        copy.get("/dashboard").assert_contains("No. Sensitive pages ask for your password.");
        let redirect = copy.get("/account/password");
        assert_eq!(redirect.location(), "/reauthenticate?next=/account/password");
        assert_eq!(browser.get("/account/password").status, Status::Ok);
        copy.post("/reauthenticate", &[("password", PASSWORD)]);
        assert_eq!(copy.get("/account/password").status, Status::Ok);
    }
}

#[test]
fn strong_protection_revokes_a_session_used_in_another_browser() {
    let app = App::configured(&setting("strong"));
    let mut browser = app.registered("ada");
    assert!(browser.is_logged_in());
    let mut attacker = browser.clone();
    attacker.user_agent = OTHER_USER_AGENT;
    assert_eq!(attacker.get("/dashboard").location(), "/login?next=/dashboard");
    assert!(!browser.is_logged_in());
}

#[test]
fn protection_ignores_the_ip_address() {
    let app = App::configured(&setting("strong"));
    let mut browser = app.registered("ada");
    browser.address = "203.0.113.7".parse().unwrap();
    assert_eq!(browser.get("/account/password").status, Status::Ok);
}
