//! Rate limits for failed logins.

use app::EventLog;
use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket_login::Clock;

use crate::support::*;

fn fail_login(browser: &mut Browser<'_>, username: &str) -> Response {
    browser.post("/login", &[("username", username), ("password", "not the right password")])
}

/// Asserts that the response is a 429, and returns its `Retry-After` in seconds.
fn retry_after(response: &Response) -> i64 {
    assert_eq!(response.status, Status::TooManyRequests, "{}", response.body);
    response.header("retry-after").unwrap().parse().unwrap()
}

#[test]
fn blocks_a_username_after_10_failures_for_10_seconds_to_15_minutes() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    for _ in 0..10 {
        assert_eq!(fail_login(&mut browser, "ada").status, Status::UnprocessableEntity);
    }
    for expected in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
        let throttled = browser.log_in("ada");
        assert_eq!(retry_after(&throttled), expected);
        throttled.assert_contains("value=\"ada\"");
        app.advance(expected - 1);
        assert_eq!(retry_after(&fail_login(&mut browser, "ADA ")), 1);
        app.advance(1);
        assert_eq!(fail_login(&mut browser, "ada").status, Status::UnprocessableEntity);
    }
    app.advance(900);
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn a_throttled_login_shows_the_remaining_wait_and_keeps_next() {
    let app = App::new();
    for _ in 0..10 {
        fail_login(&mut app.browser(), "ada");
    }
    let form = [("username", "ada"), ("password", PASSWORD), ("next", "/account")];
    let throttled = app.browser().post("/login", &form);
    throttled.assert_flashes("danger", "Too many failed attempts. Try again in 10 seconds.");
    throttled.assert_contains("value=\"/account\"");
    throttled.assert_lacks(PASSWORD);
    app.advance(9);
    let throttled = app.browser().post("/login", &form);
    throttled.assert_flashes("danger", "Too many failed attempts. Try again in 1 second.");
}

#[test]
fn throttles_unknown_usernames() {
    let app = App::new();
    for _ in 0..10 {
        fail_login(&mut app.browser(), "unknown");
    }
    assert_eq!(retry_after(&fail_login(&mut app.browser(), "unknown")), 10);
}

#[test]
fn counts_failures_for_a_username_from_all_addresses() {
    let app = App::new();
    app.registered("ada");
    app.registered("grace");
    for host in 1..=10 {
        let mut browser = app.browser();
        browser.address = [203, 0, 113, host].into();
        fail_login(&mut browser, "ada");
    }
    assert_eq!(retry_after(&app.browser().log_in("ada")), 10);
    assert_eq!(app.browser().log_in("grace").location(), "/dashboard");
}

#[test]
fn blocks_an_address_after_100_failures() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.address = "2001:db8::1".parse().unwrap();
    for number in 0..100 {
        let response = fail_login(&mut browser, &format!("name-{number}"));
        assert_eq!(response.status, Status::UnprocessableEntity);
    }
    assert_eq!(retry_after(&browser.log_in("ada")), 10);
    browser.address = "2001:db8::ffff:1".parse().unwrap();
    assert_eq!(
        retry_after(&browser.log_in("ada")),
        10,
        "an address in the same /64 network is not throttled"
    );
    browser.address = "2001:db8:0:1::1".parse().unwrap();
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn a_correct_password_resets_the_failure_count() {
    let app = App::new();
    app.registered("ada");
    for _ in 0..3 {
        for _ in 0..9 {
            fail_login(&mut app.browser(), "ada");
        }
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    }
    for _ in 0..110 {
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    }
}

#[test]
fn resets_the_failure_count_a_day_after_the_last_failure() {
    const DAY: i64 = 24 * 60 * 60;
    let app = App::new();
    for _ in 0..10 {
        fail_login(&mut app.browser(), "ada");
    }
    app.advance(DAY - 1);
    assert_eq!(fail_login(&mut app.browser(), "ada").status, Status::UnprocessableEntity);
    assert_eq!(retry_after(&fail_login(&mut app.browser(), "ada")), 20);
    app.advance(DAY);
    for _ in 0..10 {
        assert_eq!(fail_login(&mut app.browser(), "ada").status, Status::UnprocessableEntity);
    }
    assert_eq!(retry_after(&fail_login(&mut app.browser(), "ada")), 10);
}

#[test]
fn counts_reauthentication_failures_separately_from_login_failures() {
    let app = App::new();
    let mut attacker = app.registered("ada");
    for _ in 0..10 {
        let response = attacker.post("/reauthenticate", &[("password", "not the right password")]);
        assert_eq!(response.status, Status::UnprocessableEntity);
    }
    let form = [("password", PASSWORD), ("next", "/account")];
    let throttled = attacker.post("/reauthenticate", &form);
    assert_eq!(retry_after(&throttled), 10);
    throttled.assert_contains("value=\"/account\"");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    app.advance(10);
    assert_eq!(attacker.post("/reauthenticate", &form).location(), "/account");
}

#[rocket::async_test]
async fn concurrent_attempts_verify_at_most_10_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let rocket = app::build(figment(&dir), Clock::default(), log).unwrap();
    let client = Client::untracked(rocket).await.unwrap();
    let form = encode(&[("username", "ada"), ("password", "not the right password")]);
    let attempts = (0..40).map(|_| {
        let attempt = client.post("/login").header(ContentType::Form).body(&form);
        async { attempt.dispatch().await.status() }
    });
    let statuses = rocket::futures::future::join_all(attempts).await;
    let verified = statuses.iter().filter(|status| **status == Status::UnprocessableEntity);
    assert_eq!(verified.count(), 10, "{statuses:?}");
    assert!(statuses.iter().skip(10).any(|status| *status == Status::TooManyRequests));
}
