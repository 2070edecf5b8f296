//! Logging in, and what strangers hear.

use rocket::http::{Method, SameSite, Status};

use crate::support::*;

#[test]
fn the_refusal_is_the_same_to_the_letter_whatever_was_wrong() {
    let app = App::new();
    app.registered("ada");
    app.registered("gone");
    app.sql("UPDATE users SET is_active = FALSE WHERE username = 'gone'");
    let refuse = |username: &str, password: &str| {
        let form = [("username", username), ("password", password), ("next", "/account")];
        let answer = app.browser().post("/login", &form);
        assert_eq!(answer.status, Status::UnprocessableEntity);
        answer.flashed("danger", "Invalid username or password.");
        answer.shows(&format!("value=\"{username}\""));
        answer.shows("name=\"next\" value=\"/account\"");
        answer.sets_no_cookie();
        answer.body.replace(&format!("value=\"{username}\""), "value")
    };
    let wrong = refuse("ada", "not the right password");
    assert_eq!(refuse("nobody", "not the right password"), wrong);
    assert_eq!(refuse("gone", PASSWORD), wrong);
    assert_eq!(refuse("not a name at all", PASSWORD), wrong);
    assert_eq!(refuse("", ""), wrong);
    assert_eq!(refuse("ada", &"x".repeat(2000)), wrong);
}

#[test]
fn the_name_is_found_whatever_its_case() {
    let app = App::new();
    app.registered("Ada");
    assert_eq!(app.browser().log_in("aDA").location(), "/dashboard");
    assert_eq!(app.browser().log_in(" ada ").location(), "/dashboard");
}

#[test]
fn a_login_is_a_new_cookie_each_time_and_ends_with_the_browser() {
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
    assert!(!browser.is_signed_in());
}

#[test]
fn remember_me_outlives_the_browser_for_30_days_and_no_longer() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_and_be_remembered("ada");
    assert_eq!(browser.cookie().max_age().unwrap().whole_days(), 30);
    browser.restart();
    assert!(browser.is_signed_in());
    app.pass(30 * 24 * 60 * 60);
    assert!(browser.is_signed_in());
    app.pass(1);
    assert!(!browser.is_signed_in());
}

#[test]
fn the_remember_box_is_unchecked_and_every_way_to_leave_it_so_is_no() {
    let app = App::new();
    app.registered("ada");
    let page = app.browser().get("/login");
    page.shows("name=\"remember\"");
    page.hides("checked");
    for value in ["", "off", "false", "0", "no"] {
        let mut browser = app.browser();
        browser.post("/login", &[("username", "ada"), ("password", PASSWORD), ("remember", value)]);
        assert_eq!(browser.cookie().max_age(), None, "{value:?}");
    }
}

#[test]
fn next_is_followed_on_this_site_alone() {
    let app = App::new();
    app.registered("ada");
    let next = |next: &str| {
        let form = [("username", "ada"), ("password", PASSWORD), ("next", next)];
        app.browser().post("/login", &form).location().to_owned()
    };
    assert_eq!(next("/account?tab=1&x=%2F"), "/account?tab=1&x=%2F");
    for elsewhere in [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " /account",
        "/\u{0}",
        "http:/evil.example",
        "/\r\nSet-Cookie: a=b",
    ] {
        assert_eq!(next(elsewhere), "/dashboard", "{elsewhere:?}");
        let page = app.browser().get(&format!("/login?next={}", encoded(elsewhere)));
        page.hides("evil.example");
    }
}

fn encoded(text: &str) -> String {
    rocket::http::RawStr::new(text).percent_encode().to_string()
}

#[test]
fn a_stranger_is_brought_back_with_the_query_they_came_with() {
    let app = App::new();
    let mut browser = app.browser();
    let refused = browser.get("/account?a=b&c=%26");
    assert_eq!(refused.location(), "/login?next=/account%3Fa%3Db%26c%3D%2526");
    browser.follow(refused).shows("value=\"/account?a=b&amp;c=%26\"");
}

#[test]
fn a_program_hears_401_in_json_and_gets_no_cookie() {
    let app = App::new();
    let mut browser = app.browser();
    let json = ("Content-Type", "application/json");
    for header in [("Accept", "application/json"), json] {
        let answer = browser.send(Method::Get, "/api/me", &[header], None);
        assert_eq!(answer.status, Status::Unauthorized);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.body, r#"{"error":"Unauthorized"}"#);
        answer.sets_no_cookie();
    }
    let html = ("Accept", "text/html,application/json;q=0.9");
    assert_eq!(
        browser.send(Method::Get, "/api/me", &[html], None).location(),
        "/login?next=/api/me"
    );
}

#[test]
fn next_may_stay_in_the_address_of_the_form() {
    let app = App::new();
    app.registered("ada");
    let form = [("username", "ada"), ("password", PASSWORD)];
    let answer = app.browser().post("/login?next=/account", &form);
    assert_eq!(answer.location(), "/account");
    let answer = app.browser().post("/login?next=//evil.example", &form);
    assert_eq!(answer.location(), "/dashboard");
    let answer = app.browser().post("/login?next=/account", &[("username", "ada")]);
    answer.shows("name=\"next\" value=\"/account\"");
}

#[test]
fn a_program_hears_of_a_wrong_password_in_json() {
    let app = App::new();
    let mut browser = app.browser();
    let json = ("Accept", "application/json");
    let form = [("username", "ada"), ("password", "wrong")];
    for status in [422, 422, 422, 422, 422, 422, 422, 422, 422, 422, 429] {
        let answer = browser.post_with("/login", json, &form);
        assert_eq!(answer.status.code, status);
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn unknown_names_cost_a_hash_as_known_ones_do() {
    let app = App::new();
    app.registered("ada");
    let time = |username: &str| {
        let began = std::time::Instant::now();
        app.browser().post("/login", &[("username", username), ("password", "wrong")]);
        began.elapsed().as_secs_f64()
    };
    // The quickest of several: whatever else the machine does only ever adds to one.
    let (mut known, mut unknown) = (f64::MAX, f64::MAX);
    for _ in 0..40 {
        known = known.min(time("ada"));
        unknown = unknown.min(time("nobody"));
        if (0.7..1.4).contains(&(unknown / known)) {
            return;
        }
        // Until none of these guesses counts any more.
        app.pass(25 * 60 * 60);
    }
    panic!("unknown takes {unknown} s, known {known} s");
}
