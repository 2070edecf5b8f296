//! Login, and responses to anonymous users.

use rocket::http::{Method, SameSite, Status};

use crate::open_redirects::OPEN_REDIRECTS;
use crate::support::*;

#[test]
fn a_failed_login_has_the_same_response_for_every_reason() {
    let app = App::new();
    app.registered("ada");
    app.registered("gone");
    app.sql("UPDATE users SET is_active = FALSE WHERE username = 'gone'");
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
    let wrong = fail("ada", "not the right password");
    assert_eq!(fail("unknown", "not the right password"), wrong);
    assert_eq!(fail("gone", PASSWORD), wrong);
    assert_eq!(fail("not a name at all", PASSWORD), wrong);
    assert_eq!(fail("", ""), wrong);
    assert_eq!(fail("ada", &"x".repeat(2000)), wrong);
}

#[test]
fn finds_a_username_in_any_case() {
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
fn the_remember_checkbox_is_unchecked_by_default() {
    let app = App::new();
    app.registered("ada");
    let page = app.browser().get("/login");
    page.assert_contains("name=\"remember\"");
    page.assert_lacks("checked");
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
    let next = |next: &str| {
        let form = [("username", "ada"), ("password", PASSWORD), ("next", next)];
        app.browser().post("/login", &form).location().to_owned()
    };
    assert_eq!(next("/account?tab=1&x=%2F"), "/account?tab=1&x=%2F");
    for elsewhere in OPEN_REDIRECTS {
        assert_eq!(next(elsewhere), "/dashboard", "{elsewhere:?}");
        let page = app.browser().get(&format!("/login?next={}", encoded(elsewhere)));
        page.assert_lacks("evil.example");
    }
}

fn encoded(text: &str) -> String {
    rocket::http::RawStr::new(text).percent_encode().to_string()
}

#[test]
fn a_login_leads_back_to_the_page_with_its_query() {
    let app = App::new();
    let mut browser = app.browser();
    let redirect = browser.get("/account?a=b&c=%26");
    assert_eq!(redirect.location(), "/login?next=/account%3Fa%3Db%26c%3D%2526");
    browser.follow(redirect).assert_contains("value=\"/account?a=b&amp;c=%26\"");
}

#[test]
fn an_api_client_receives_401_in_json_without_a_cookie() {
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
fn accepts_next_in_the_query_of_the_form() {
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
fn an_api_client_receives_login_errors_in_json() {
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
fn an_unknown_username_costs_a_hash_too() {
    let app = App::new();
    app.registered("ada");
    let time = |username: &str| {
        let began = std::time::Instant::now();
        app.browser().post("/login", &[("username", username), ("password", "wrong")]);
        began.elapsed().as_secs_f64()
    };
    // The shortest of several, because other work on the machine only adds to one.
    let (mut known, mut unknown) = (f64::MAX, f64::MAX);
    for _ in 0..40 {
        known = known.min(time("ada"));
        unknown = unknown.min(time("unknown"));
        if (0.7..1.4).contains(&(unknown / known)) {
            return;
        }
        // Until these failures no longer count.
        app.advance(25 * 60 * 60);
    }
    panic!("unknown takes {unknown} s, known {known} s");
}
