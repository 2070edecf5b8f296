//! Login, and responses to anonymous users.

use rocket::http::{Method, SameSite, Status};

use crate::open_redirects::OPEN_REDIRECTS;
use crate::support::*;

#[test]
fn a_failed_login_has_the_same_response_for_every_reason() {
    let app = App::new();
    app.registered("ada");
    app.registered("deactivated");
    app.sql("UPDATE users SET is_active = FALSE WHERE username = 'deactivated'");
    let fail = |username: &str, password: &str| {
        let form = [("username", username), ("password", password), ("next", "/account")];
        let response = app.browser().post("/login", &form);
        assert_eq!(response.status, Status::UnprocessableEntity);
        response.assert_flashes("danger", "Invalid username or password.");
        response.assert_contains(&format!("value=\"{username}\""));
        response.assert_contains("name=\"next\" value=\"/account\"");
        response.assert_sets_no_cookie();
        response.body.replace(&format!("value=\"{username}\""), "value")
    };
    let expected = fail("ada", "not the right password");
    assert_eq!(fail("unknown", "not the right password"), expected);
    assert_eq!(fail("deactivated", PASSWORD), expected);
    assert_eq!(fail("not a name at all", PASSWORD), expected);
    assert_eq!(fail("", ""), expected);
    assert_eq!(fail("ada", &"x".repeat(2000)), expected);
}

#[test]
fn usernames_are_case_insensitive_at_login() {
    let app = App::new();
    app.registered("Ada");
    assert_eq!(app.browser().log_in("aDA").location(), "/dashboard");
    assert_eq!(app.browser().log_in(" ada ").location(), "/dashboard");
}

#[test]
fn each_login_sets_a_new_session_cookie() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let first = browser.cookie().clone();
    assert_eq!(first.http_only(), Some(true));
    assert_eq!(first.same_site(), Some(SameSite::Lax));
    assert_eq!(first.path(), Some("/"));
    assert_eq!(first.secure(), None);
    assert_eq!((first.max_age(), first.expires()), (None, None));
    browser.post("/logout", &[]);
    browser.log_in("ada");
    assert_ne!(browser.cookie().value(), first.value());
    browser.restart();
    assert!(!browser.is_logged_in());
}

#[test]
fn a_remembered_session_lasts_30_days() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_remembered("ada");
    assert_eq!(browser.cookie().max_age().unwrap().whole_days(), 30);
    browser.restart();
    assert!(browser.is_logged_in());
    app.advance(30 * 24 * 60 * 60);
    assert!(browser.is_logged_in());
    app.advance(1);
    assert!(!browser.is_logged_in());
}

#[test]
fn the_remember_checkbox_is_unchecked_unless_a_failed_login_checked_it() {
    let app = App::new();
    app.registered("ada");
    let page = app.browser().get("/login");
    page.assert_contains("name=\"remember\"");
    page.assert_lacks("checked");
    let failed = |remember| {
        let form = [("username", "ada"), ("password", "wrong"), ("remember", remember)];
        app.browser().post("/login", &form)
    };
    failed("on").assert_contains("name=\"remember\" value=\"on\" checked>");
    failed("").assert_lacks("checked");
    for value in ["", "off", "false", "0", "no"] {
        let mut browser = app.browser();
        browser.post("/login", &[("username", "ada"), ("password", PASSWORD), ("remember", value)]);
        assert_eq!(browser.cookie().max_age(), None, "{value:?}");
    }
}

#[test]
fn next_leads_only_to_this_site() {
    let app = App::new();
    app.registered("ada");
    let redirect = |next: &str| {
        let form = [("username", "ada"), ("password", PASSWORD), ("next", next)];
        app.browser().post("/login", &form).location().to_owned()
    };
    assert_eq!(redirect("/account?tab=1&x=%2F"), "/account?tab=1&x=%2F");
    for next in OPEN_REDIRECTS {
        assert_eq!(redirect(next), "/dashboard", "{next:?}");
        let page = app.browser().get(&format!("/login?next={}", percent_encode(next)));
        page.assert_lacks("evil.example");
    }
}

fn percent_encode(text: &str) -> String {
    rocket::http::RawStr::new(text).percent_encode().to_string()
}

#[test]
fn the_login_page_keeps_the_query_string_of_the_requested_page() {
    let app = App::new();
    let mut browser = app.browser();
    let redirect = browser.get("/account?a=b&c=%26");
    assert_eq!(redirect.location(), "/login?next=/account%3Fa%3Db%26c%3D%2526");
    browser.follow(redirect).assert_contains("value=\"/account?a=b&amp;c=%26\"");
}

#[test]
fn an_api_client_receives_a_json_401_that_sets_no_cookie() {
    let app = App::new();
    let mut browser = app.browser();
    let json = ("Content-Type", "application/json");
    for header in [("Accept", "application/json"), json] {
        let response = browser.send(Method::Get, "/api/me", &[header], None);
        assert_eq!(response.status, Status::Unauthorized);
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.body, r#"{"error":"Unauthorized"}"#);
        response.assert_sets_no_cookie();
    }
    let html = ("Accept", "text/html,application/json;q=0.9");
    assert_eq!(
        browser.send(Method::Get, "/api/me", &[html], None).location(),
        "/login?next=/api/me"
    );
}

#[test]
fn accepts_next_in_the_query_string_of_the_form_action() {
    let app = App::new();
    app.registered("ada");
    let form = [("username", "ada"), ("password", PASSWORD)];
    let response = app.browser().post("/login?next=/account", &form);
    assert_eq!(response.location(), "/account");
    let response = app.browser().post("/login?next=//evil.example", &form);
    assert_eq!(response.location(), "/dashboard");
    let response = app.browser().post("/login?next=/account", &[("username", "ada")]);
    response.assert_contains("name=\"next\" value=\"/account\"");
}

#[test]
fn an_api_client_receives_login_errors_as_json() {
    let app = App::new();
    let mut browser = app.browser();
    let json = ("Accept", "application/json");
    let form = [("username", "ada"), ("password", "wrong")];
    for status in [422, 422, 422, 422, 422, 422, 422, 422, 422, 422, 429] {
        let response = browser.post_with("/login", json, &form);
        assert_eq!(response.status.code, status);
        assert_eq!(response.header("retry-after").is_some(), status == 429);
        assert_eq!(response.header("content-type"), Some("application/json"));
    }
}

#[test]
fn unknown_and_known_usernames_have_similar_response_times() {
    let app = App::new();
    app.registered("ada");
    let response_time = |username: &str| {
        let started = std::time::Instant::now();
        app.browser().post("/login", &[("username", username), ("password", "wrong")]);
        started.elapsed().as_secs_f64()
    };
    // Compares the shortest times, because other work on the machine can only make responses
    // slower.
    let (mut known, mut unknown) = (f64::MAX, f64::MAX);
    for _ in 0..40 {
        known = known.min(response_time("ada"));
        unknown = unknown.min(response_time("unknown"));
        if (0.7..1.4).contains(&(unknown / known)) {
            return;
        }
        // Makes the failures expire, because the app would otherwise throttle further attempts.
        app.advance(25 * 60 * 60);
    }
    panic!("an unknown username takes {unknown} s, and a known username {known} s");
}
