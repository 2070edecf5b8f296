//! Rate limits for failed logins.

use app::EventLog;
use rocket::http::{ContentType, Cookie, Status};
use rocket::local::asynchronous::Client;
use rocket_login::Clock;
use sha2::{Digest, Sha256};

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
    throttled.assert_flashes("danger", "Too many attempts. Try again in 10 seconds.");
    throttled.assert_contains("value=\"/account\"");
    throttled.assert_lacks(PASSWORD);
    app.advance(9);
    let throttled = app.browser().post("/login", &form);
    throttled.assert_flashes("danger", "Too many attempts. Try again in 1 second.");
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
fn a_correct_password_takes_back_only_the_users_own_failures_from_the_address() {
    let app = App::new();
    app.registered("ada");
    for _ in 0..20 {
        for _ in 0..9 {
            fail_login(&mut app.browser(), "ada");
        }
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    }
    for number in 0..100 {
        let response = fail_login(&mut app.browser(), &format!("name-{number}"));
        assert_eq!(response.status, Status::UnprocessableEntity, "{number}");
        if number % 20 == 0 {
            assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
        }
    }
    assert_eq!(retry_after(&app.browser().log_in("ada")), 10);
}

#[test]
fn failures_that_are_spread_over_a_day_do_not_block_anyone() {
    const DAY: i64 = 24 * 60 * 60;
    let app = App::new();
    app.registered("ada");
    for number in 0..200 {
        app.advance(DAY / 100);
        let response = fail_login(&mut app.browser(), &format!("name-{number}"));
        assert_eq!(response.status, Status::UnprocessableEntity, "{number}");
    }
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    for number in 0..20 {
        app.advance(DAY / 10);
        let response = fail_login(&mut app.browser(), "ada");
        assert_eq!(response.status, Status::UnprocessableEntity, "{number}");
    }
}

#[test]
fn forgets_one_of_10_failures_in_a_tenth_of_a_day() {
    const DAY: i64 = 24 * 60 * 60;
    let app = App::new();
    let fail = || fail_login(&mut app.browser(), "ada");
    for _ in 0..10 {
        fail();
    }
    app.advance(10);
    assert_eq!(fail().status, Status::UnprocessableEntity);
    assert_eq!(retry_after(&fail()), 20, "the wait does not grow");
    app.advance(20 + DAY / 10);
    assert_eq!(fail().status, Status::UnprocessableEntity);
    assert_eq!(retry_after(&fail()), 20, "no failure was forgotten");
    app.advance(20 + DAY / 10 * 2);
    assert_eq!(fail().status, Status::UnprocessableEntity);
    assert_eq!(retry_after(&fail()), 10);
    app.advance(2 * DAY);
    for _ in 0..10 {
        assert_eq!(fail().status, Status::UnprocessableEntity);
    }
    assert_eq!(retry_after(&fail()), 10);
}

#[test]
fn a_clock_that_differs_by_seconds_does_not_end_a_wait() {
    let app = App::new();
    for wait in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
        while fail_login(&mut app.browser(), "ada").status == Status::UnprocessableEntity {}
        app.advance(-1);
        assert!(retry_after(&fail_login(&mut app.browser(), "ada")) >= wait);
        app.advance(wait + 1);
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_block_anyone() {
    const DAY: i64 = 24 * 60 * 60;
    let app = App::new();
    app.registered("ada");
    for back in [60 * 60, DAY, 400 * DAY] {
        for _ in 0..10 {
            fail_login(&mut app.browser(), "ada");
        }
        assert_eq!(retry_after(&fail_login(&mut app.browser(), "ada")), 10);
        app.advance(-back);
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard", "{back}");
    }
    for _ in 0..10 {
        fail_login(&mut app.browser(), "ada");
    }
    app.advance(-400 * DAY);
    for _ in 0..10 {
        assert_eq!(fail_login(&mut app.browser(), "ada").status, Status::UnprocessableEntity);
    }
    assert_eq!(retry_after(&fail_login(&mut app.browser(), "ada")), 10);
}

/// Fails to log in as ada, each time in another browser, until the username is blocked.
fn block_ada(app: &App) {
    for _ in 0..10 {
        fail_login(&mut app.browser(), "ada");
    }
    assert_eq!(retry_after(&app.browser().log_in("ada")), 10);
}

#[test]
fn failures_in_other_browsers_do_not_block_a_browser_in_which_the_user_has_logged_in() {
    let app = App::new();
    let mut registered = app.registered("ada");
    let mut logged_in = app.browser();
    logged_in.log_in("ada");
    app.registered("grace");
    for browser in [&mut registered, &mut logged_in] {
        browser.post("/logout", &[]);
        block_ada(&app);
        assert_eq!(fail_login(browser, "ADA").status, Status::UnprocessableEntity);
        assert_eq!(browser.log_in("ada").location(), "/dashboard");
        assert_eq!(retry_after(&app.browser().log_in("ada")), 10, "the other count was reset");
        app.advance(10);
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    }
}

#[test]
fn a_browser_in_which_the_user_has_logged_in_is_blocked_only_by_its_own_10_failures() {
    let app = App::new();
    let mut known = app.registered("ada");
    known.post("/logout", &[]);
    let mut also_known = app.browser();
    also_known.log_in("ada");
    also_known.post("/logout", &[]);
    for _ in 0..10 {
        assert_eq!(fail_login(&mut known, "ada").status, Status::UnprocessableEntity);
    }
    assert_eq!(retry_after(&known.log_in("ada")), 10);
    assert_eq!(also_known.log_in("ada").location(), "/dashboard");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    assert_eq!(retry_after(&known.log_in("ada")), 10, "a login elsewhere reset the count");
    app.advance(10);
    assert_eq!(known.log_in("ada").location(), "/dashboard");
}

#[test]
fn an_address_block_does_not_apply_to_browsers_in_which_the_user_has_logged_in() {
    let app = App::new();
    let mut known = app.registered("ada");
    known.post("/logout", &[]);
    for number in 0..100 {
        fail_login(&mut app.browser(), &format!("name-{number}"));
    }
    assert_eq!(retry_after(&app.browser().log_in("ada")), 10);
    assert_eq!(known.log_in("ada").location(), "/dashboard");
}

#[test]
fn a_device_cookie_counts_only_for_users_who_have_logged_in_there() {
    let app = App::new();
    let mut attacker = app.registered("mallory");
    app.registered("ada");
    attacker.post("/logout", &[]);
    for _ in 0..10 {
        fail_login(&mut attacker, "ada");
    }
    assert_eq!(retry_after(&app.browser().log_in("ada")), 10);
    let mut shared = app.registered("grace");
    shared.post("/logout", &[]);
    shared.log_in("mallory");
    shared.post("/logout", &[]);
    for name in ["grace", "mallory"] {
        for _ in 0..10 {
            fail_login(&mut app.browser(), name);
        }
        assert_eq!(shared.log_in(name).location(), "/dashboard");
        shared.post("/logout", &[]);
    }
}

#[test]
fn a_device_cookie_contains_the_last_5_users() {
    let app = App::new();
    let mut shared = app.browser();
    for number in 0..6 {
        register(&mut shared, &format!("user-{number}"));
        shared.post("/logout", &[]);
    }
    assert!(shared.cookies["device"].value().len() < 2000);
    for number in 0..6 {
        for _ in 0..10 {
            fail_login(&mut app.browser(), &format!("user-{number}"));
        }
        let login = shared.clone().log_in(&format!("user-{number}"));
        assert_eq!(login.status == Status::TooManyRequests, number == 0, "user-{number}");
    }
}

#[test]
fn a_login_of_one_user_does_not_reset_the_count_of_another_user_in_the_same_browser() {
    let app = App::new();
    let mut shared = app.registered("ada");
    shared.post("/logout", &[]);
    app.registered("mallory");
    for _ in 0..10 {
        assert_eq!(fail_login(&mut shared, "ada").status, Status::UnprocessableEntity);
        shared.log_in("mallory");
        shared.post("/logout", &[]);
    }
    assert_eq!(retry_after(&shared.log_in("ada")), 10);
}

#[test]
fn a_password_change_keeps_only_the_current_browser_known() {
    let app = App::new();
    let mut current = app.registered("ada");
    let mut other = app.browser();
    other.log_in("ada");
    let new = "another horse, other batteries";
    current.post("/account/password", &[("new_password", new)]);
    current.post("/logout", &[]);
    block_ada(&app);
    let form = [("username", "ada"), ("password", new)];
    assert_eq!(retry_after(&other.post("/login", &form)), 10);
    assert_eq!(current.post("/login", &form).location(), "/dashboard");
}

#[test]
fn a_device_cookie_is_not_a_login_and_a_forged_one_has_no_effect() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let device = browser.cookies["device"].clone();
    assert_eq!(device.http_only(), Some(true));
    assert_eq!(device.max_age().unwrap().whole_days(), 365);
    browser.cookies.remove("login");
    assert!(!browser.is_logged_in());
    block_ada(&app);
    let hash = app.text("SELECT password_hash AS text FROM users");
    let digest: String =
        Sha256::digest(hash).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let plain = format!(r#"[{{"id":1,"password_digest":"{digest}","token":"a"}}]"#);
    for forged in [&plain, "", &device.value().replace(char::is_numeric, "0")] {
        let mut browser = app.browser();
        browser.cookies.insert("device".into(), Cookie::new("device", forged.to_owned()));
        assert_eq!(retry_after(&browser.log_in("ada")), 10, "{forged}");
    }
    let session = app.registered("grace").cookie().value().to_owned();
    let mut browser = app.browser();
    browser.cookies.insert("device".into(), Cookie::new("device", session));
    assert_eq!(retry_after(&browser.log_in("ada")), 10);
}

#[test]
fn the_correct_password_of_a_deactivated_user_does_not_reset_the_count() {
    let app = App::new();
    app.registered("ada");
    app.sql("UPDATE users SET is_active = FALSE");
    for _ in 0..10 {
        assert_eq!(app.browser().log_in("ada").status, Status::UnprocessableEntity);
    }
    assert_eq!(retry_after(&app.browser().log_in("ada")), 10);
}

fn register(browser: &mut Browser<'_>, username: &str) -> Response {
    browser.post("/register", &[("username", username), ("password", PASSWORD)])
}

#[test]
fn an_address_can_register_20_users_and_must_then_wait() {
    let app = App::new();
    let browser_at = |last| {
        let mut browser = app.browser();
        browser.address = [203, 0, 113, last].into();
        browser
    };
    for number in 0..19 {
        let response = register(&mut browser_at(1), &format!("user-{number}"));
        assert_eq!(response.location(), "/dashboard", "{number}");
    }
    let taken = register(&mut browser_at(1), "USER-1");
    assert_eq!(taken.status, Status::UnprocessableEntity);
    register(&mut browser_at(1), "invalid name").assert_contains("Use only letters");
    app.events();
    let throttled = register(&mut browser_at(1), "ada");
    assert_eq!(retry_after(&throttled), 10);
    throttled.assert_flashes("danger", "Too many attempts. Try again in 10 seconds.");
    throttled.assert_contains("value=\"ada\"");
    let event = r#""event":"registration_throttled","retry_after":10}"#;
    assert!(app.events()[0].ends_with(event));
    assert_eq!(retry_after(&register(&mut browser_at(1), "user-1")), 10);
    assert_eq!(register(&mut browser_at(2), "grace").location(), "/dashboard");
    assert_eq!(browser_at(1).log_in("grace").location(), "/dashboard");
    app.advance(10);
    assert_eq!(register(&mut browser_at(1), "ada").location(), "/dashboard");
    assert_eq!(retry_after(&register(&mut browser_at(1), "another")), 20);
}

#[test]
fn a_registration_with_a_taken_username_does_not_hash_the_password() {
    let app = App::new();
    app.registered("ada");
    let time = |request: &dyn Fn() -> Response| {
        let started = std::time::Instant::now();
        assert_eq!(request().status, Status::UnprocessableEntity);
        started.elapsed()
    };
    let register = || time(&|| register(&mut app.browser(), "ada"));
    let log_in = || time(&|| fail_login(&mut app.browser(), "ada"));
    let fastest = (0..5).map(|_| register()).min().unwrap();
    let hashing = (0..5).map(|_| log_in()).min().unwrap();
    assert!(fastest * 2 < hashing, "{fastest:?} is not much less than {hashing:?}");
}

#[test]
fn counts_reauthentication_failures_separately_from_login_failures() {
    let app = App::new();
    let mut attacker = app.registered("ada");
    // An attacker who copies the session cookie might not copy the device cookie.
    attacker.cookies.remove("device");
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
async fn a_correct_password_does_not_log_in_if_a_limit_is_reached_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let rocket = app::build(figment(&dir), Clock::default(), log).unwrap();
    let client = Client::untracked(rocket).await.unwrap();
    let post = |path: &'static str, username: String, password: &str| {
        let form = encode(&[("username", &username), ("password", password)]);
        let request = client.post(path).header(ContentType::Form).body(form);
        async { request.dispatch().await.status() }
    };
    let fail = |username: String| post("/login", username, "not the right password");
    // Sends the correct password after 31 others, so that its result comes last.
    let log_in_after = async |failures: &dyn Fn(u32) -> String, username: &str| {
        let failures = rocket::futures::future::join_all((0..31).map(|n| fail(failures(n))));
        let log_in = async {
            rocket::tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            post("/login", username.to_owned(), PASSWORD).await
        };
        rocket::tokio::join!(failures, log_in).1
    };
    post("/register", "ada".to_owned(), PASSWORD).await;
    post("/register", "grace".to_owned(), PASSWORD).await;
    // The username reaches its limit, and then the address.
    let status = log_in_after(&|_| "ada".to_owned(), "ada").await;
    assert_eq!(status, Status::TooManyRequests);
    for number in 0..80 {
        fail(format!("name-{number}")).await;
    }
    let status = log_in_after(&|number| format!("other-{number}"), "grace").await;
    assert_eq!(status, Status::TooManyRequests);
}

#[rocket::async_test]
async fn concurrent_attempts_reveal_at_most_10_results() {
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
