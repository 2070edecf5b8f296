//! Password change and reauthentication.

use rocket::http::Status;

use crate::open_redirects::OPEN_REDIRECTS;
use crate::support::*;

const NEW_PASSWORD: &str = "another horse, other batteries";
const FRESH_FOR: i64 = 15 * 60;

#[test]
fn only_the_new_password_works_after_a_password_change() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.get("/account/password").assert_contains("name=\"new_password\"");
    let changed = browser.post("/account/password", &[("new_password", NEW_PASSWORD)]);
    assert_eq!(changed.location(), "/account");
    let page = browser.follow(changed);
    page.assert_flashes(
        "success",
        "Your password has been changed. All other devices are logged out.",
    );
    assert_eq!(app.browser().log_in("ada").status, Status::UnprocessableEntity);
    let form = [("username", "ada"), ("password", NEW_PASSWORD)];
    assert_eq!(app.browser().post("/login", &form).location(), "/dashboard");
}

#[test]
fn a_password_change_revokes_all_other_sessions_and_renews_the_current_session() {
    let app = App::new();
    app.registered("grace");
    let mut current = app.registered("ada");
    let mut other = app.browser();
    other.log_in_remembered("ada");
    let mut copy = current.clone();
    current.post("/account/password", &[("new_password", NEW_PASSWORD)]);
    assert!(current.is_logged_in());
    assert!(!other.is_logged_in());
    assert!(!copy.is_logged_in());
    assert_eq!(
        app.number("SELECT count(*) AS number FROM sessions"),
        2,
        "expected grace's session and the current session"
    );
}

#[test]
fn a_failed_password_change_keeps_the_password_and_all_sessions() {
    let app = App::new();
    let mut current = app.registered("ada");
    let mut other = app.browser();
    other.log_in("ada");
    app.fail_updates("sessions", "token_hash");
    let response = current.post("/account/password", &[("new_password", NEW_PASSWORD)]);
    assert_eq!(response.status, Status::ServiceUnavailable);
    response.assert_sets_no_cookie();
    assert!(current.is_logged_in());
    assert!(other.is_logged_in());
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
}

#[test]
fn shows_validation_errors_for_an_invalid_new_password() {
    let app = App::new();
    let mut browser = app.registered("ada-of-lovelace-hall");
    for invalid in ["short", "ada-of-lovelace-hall", ""] {
        let response = browser.post("/account/password", &[("new_password", invalid)]);
        assert_eq!(response.status, Status::UnprocessableEntity);
        response.assert_contains("id=\"new_password-error\">Use ");
        response.assert_lacks("value=\"short\"");
    }
    assert_eq!(app.browser().log_in("ada-of-lovelace-hall").location(), "/dashboard");
}

#[test]
fn reauthentication_redirects_back_and_renews_the_session_token() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(FRESH_FOR + 1);
    browser.get("/dashboard").assert_contains("No. Sensitive pages ask for your password.");
    let redirect = browser.get("/account/password");
    assert_eq!(redirect.location(), "/reauthenticate?next=/account/password");
    let page = browser.follow(redirect);
    page.assert_flashes("warning", "Please enter your password again to access this page.");
    page.assert_contains("name=\"next\" value=\"/account/password\"");
    let mut copy = browser.clone();
    let form = [("password", PASSWORD), ("next", "/account/password")];
    let response = browser.post("/reauthenticate", &form);
    assert_eq!(response.location(), "/account/password");
    assert_eq!(browser.follow(response).status, Status::Ok);
    assert!(!copy.is_logged_in(), "the old token still works");
}

#[test]
fn account_forms_require_a_login_and_the_password_form_a_fresh_login() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(FRESH_FOR + 1);
    let redirect = browser.post("/account/password", &[("new_password", NEW_PASSWORD)]);
    assert_eq!(redirect.location(), "/reauthenticate?next=/account/password");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    let mut anonymous = app.browser();
    for (path, page) in [
        ("/account/password", "/account/password"),
        ("/account/sessions/1/revoke", "/account"),
        ("/account/sessions/revoke-others", "/account"),
        ("/reauthenticate", "/reauthenticate"),
    ] {
        let redirect = anonymous.post(path, &[]);
        assert_eq!(redirect.location(), format!("/login?next={page}"));
    }
}

#[test]
fn an_api_client_without_a_fresh_login_receives_a_json_401() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(FRESH_FOR + 1);
    let response = browser.get_json("/account/password");
    assert_eq!(response.status, Status::Unauthorized);
    assert_eq!(response.body, r#"{"error":"Reauthentication required"}"#);
    response.assert_sets_no_cookie();
}

#[test]
fn a_remembered_session_is_fresh_for_only_15_minutes() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_remembered("ada");
    browser.restart();
    app.advance(FRESH_FOR);
    assert_eq!(browser.get("/account/password").status, Status::Ok);
    app.advance(1);
    assert!(browser.is_logged_in());
    assert!(browser.get("/account/password").location().starts_with("/reauthenticate"));
}

#[test]
fn a_failed_reauthentication_does_not_make_the_session_fresh() {
    let app = App::new();
    app.registered("grace");
    let mut browser = app.registered("ada");
    browser.get("/");
    app.advance(FRESH_FOR + 1);
    let form = [("password", "not the right one"), ("next", "/account")];
    let response = browser.post("/reauthenticate", &form);
    assert_eq!(response.status, Status::UnprocessableEntity);
    response.assert_flashes("danger", "Invalid password.");
    response.assert_contains("name=\"next\" value=\"/account\"");
    response.assert_sets_no_cookie();
    assert!(browser.get("/account/password").location().starts_with("/reauthenticate"));
}

#[test]
fn reauthentication_does_not_extend_the_session() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(60 * 60);
    // Reauthentication must also reject open redirects.
    for next in &OPEN_REDIRECTS[1..5] {
        let form = [("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/reauthenticate", &form).location(), "/dashboard");
    }
    for _ in 0..10 {
        app.advance(60 * 60);
        assert!(browser.is_logged_in());
        app.wait_for_recorded_visit();
    }
    app.advance(60 * 60 + 1);
    assert!(!browser.is_logged_in(), "the session lasts longer than 12 hours");
}

#[test]
fn a_remembered_session_stays_remembered_after_reauthentication() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_remembered("ada");
    app.advance(24 * 60 * 60);
    browser.post("/reauthenticate", &[("password", PASSWORD)]);
    assert_eq!(browser.cookie().max_age().unwrap().whole_days(), 29);
    browser.restart();
    assert!(browser.is_logged_in());
}

#[test]
fn redirects_the_well_known_url_to_the_password_page() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let redirect = browser.get("/.well-known/change-password");
    assert_eq!(redirect.location(), "/account/password");
    browser.follow(redirect).assert_contains("name=\"new_password\"");
    // Password managers use the well-known URL only if `missing_path` gets a 404.
    let missing_path =
        "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    assert_eq!(browser.get(missing_path).status, Status::NotFound);
}
