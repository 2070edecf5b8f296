//! Changing the password, and typing it again.

use rocket::http::Status;

use crate::support::*;

const NEW: &str = "another horse, other batteries";
const FRESH_FOR: i64 = 15 * 60;

#[test]
fn a_new_password_counts_at_once_and_the_old_one_no_longer() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.get("/account/password").shows("name=\"new_password\"");
    let changed = browser.post("/account/password", &[("new_password", NEW)]);
    assert_eq!(changed.location(), "/account");
    let page = browser.follow(changed);
    page.flashed("success", "Your password is changed, and every other device is signed out.");
    assert_eq!(app.browser().log_in("ada").status, Status::UnprocessableEntity);
    let form = [("username", "ada"), ("password", NEW)];
    assert_eq!(app.browser().post("/login", &form).location(), "/dashboard");
}

#[test]
fn a_change_ends_every_other_session_and_this_one_goes_on_under_a_new_token() {
    let app = App::new();
    app.registered("grace");
    let mut here = app.registered("ada");
    let mut there = app.browser();
    there.log_in_and_be_remembered("ada");
    let mut copy = here.clone();
    here.post("/account/password", &[("new_password", NEW)]);
    assert!(here.is_signed_in());
    assert!(!there.is_signed_in());
    assert!(!copy.is_signed_in());
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 2, "grace's and this one");
}

#[test]
fn a_change_that_the_database_can_not_finish_changes_nothing() {
    let app = App::new();
    let mut here = app.registered("ada");
    let mut there = app.browser();
    there.log_in("ada");
    app.refuse_changes("sessions", "token_hash");
    let answer = here.post("/account/password", &[("new_password", NEW)]);
    assert_eq!(answer.status, Status::ServiceUnavailable);
    answer.sets_no_cookie();
    assert!(here.is_signed_in());
    assert!(there.is_signed_in());
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
}

#[test]
fn a_bad_new_password_is_refused_beside_its_field_and_not_shown() {
    let app = App::new();
    let mut browser = app.registered("ada-of-lovelace-hall");
    for bad in ["short", "ada-of-lovelace-hall", ""] {
        let answer = browser.post("/account/password", &[("new_password", bad)]);
        assert_eq!(answer.status, Status::UnprocessableEntity);
        answer.shows("id=\"new_password-complaint\">Use ");
        answer.hides("value=\"short\"");
    }
    assert_eq!(app.browser().log_in("ada-of-lovelace-hall").location(), "/dashboard");
}

#[test]
fn who_is_not_fresh_types_the_password_again_and_comes_back() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.pass(FRESH_FOR + 1);
    browser.get("/dashboard").shows("no, and some pages ask for the password");
    let refused = browser.get("/account/password");
    assert_eq!(refused.location(), "/reauthenticate?next=/account/password");
    let page = browser.follow(refused);
    page.flashed("warning", "Please type your password again to access this page.");
    page.shows("name=\"next\" value=\"/account/password\"");
    let mut copy = browser.clone();
    let form = [("password", PASSWORD), ("next", "/account/password")];
    let back = browser.post("/reauthenticate", &form);
    assert_eq!(back.location(), "/account/password");
    assert_eq!(browser.follow(back).status, Status::Ok);
    assert!(!copy.is_signed_in(), "the old token still works");
}

#[test]
fn a_refused_post_changes_nothing_and_comes_back_to_its_page() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.pass(FRESH_FOR + 1);
    let refused = browser.post("/account/password", &[("new_password", NEW)]);
    assert_eq!(refused.location(), "/reauthenticate?next=/account/password");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    let mut stranger = app.browser();
    for (path, page) in [
        ("/account/password", "/account/password"),
        ("/account/sessions/1/revoke", "/account"),
        ("/account/sessions/revoke-others", "/account"),
        ("/reauthenticate", "/reauthenticate"),
    ] {
        let refused = stranger.post(path, &[]);
        assert_eq!(refused.location(), format!("/login?next={page}"));
    }
}

#[test]
fn a_program_that_is_not_fresh_is_told_in_json() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.pass(FRESH_FOR + 1);
    let answer = browser.get_json("/account/password");
    assert_eq!(answer.status, Status::Unauthorized);
    assert_eq!(answer.body, r#"{"error":"Reauthentication required"}"#);
    answer.sets_no_cookie();
}

#[test]
fn a_remembered_user_is_known_but_fresh_only_after_the_login() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_and_be_remembered("ada");
    browser.restart();
    app.pass(FRESH_FOR);
    assert_eq!(browser.get("/account/password").status, Status::Ok);
    app.pass(1);
    assert!(browser.is_signed_in());
    assert!(browser.get("/account/password").location().starts_with("/reauthenticate"));
}

#[test]
fn a_wrong_proof_keeps_the_page_and_does_not_make_fresh() {
    let app = App::new();
    app.registered("grace");
    let mut browser = app.registered("ada");
    browser.get("/");
    app.pass(FRESH_FOR + 1);
    let form = [("password", "not the right one"), ("next", "/account")];
    let answer = browser.post("/reauthenticate", &form);
    assert_eq!(answer.status, Status::UnprocessableEntity);
    answer.flashed("danger", "That is not your password.");
    answer.shows("name=\"next\" value=\"/account\"");
    answer.sets_no_cookie();
    assert!(browser.get("/account/password").location().starts_with("/reauthenticate"));
}

#[test]
fn a_proof_goes_nowhere_but_this_site_and_keeps_the_end_of_the_login() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.pass(60 * 60);
    for next in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let form = [("password", PASSWORD), ("next", next)];
        assert_eq!(browser.post("/reauthenticate", &form).location(), "/dashboard");
    }
    for _ in 0..10 {
        app.pass(60 * 60);
        assert!(browser.is_signed_in());
    }
    app.pass(60 * 60 + 1);
    assert!(!browser.is_signed_in(), "12 hours since the login are over");
}

#[test]
fn a_proof_of_a_remembered_session_leaves_it_remembered() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_and_be_remembered("ada");
    app.pass(24 * 60 * 60);
    browser.post("/reauthenticate", &[("password", PASSWORD)]);
    assert_eq!(browser.cookie().max_age().unwrap().whole_days(), 29);
    browser.restart();
    assert!(browser.is_signed_in());
}

#[test]
fn a_password_manager_finds_the_form() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let sent = browser.get("/.well-known/change-password");
    assert_eq!(sent.location(), "/account/password");
    browser.follow(sent).shows("name=\"new_password\"");
    // Or it would not believe the other.
    let unlikely =
        "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    assert_eq!(browser.get(unlikely).status, Status::NotFound);
}
