//! Guessing passwords, and not being kept out by those who do.

use app::EventLog;
use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket_login::Clock;

use crate::support::*;

fn guess(browser: &mut Browser<'_>, username: &str) -> Answer {
    browser.post("/login", &[("username", username), ("password", "not the right password")])
}

fn wait(answer: &Answer) -> i64 {
    assert_eq!(answer.status, Status::TooManyRequests, "{}", answer.body);
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[test]
fn after_10_wrong_passwords_a_name_waits_longer_and_longer_and_never_for_good() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    for _ in 0..10 {
        assert_eq!(guess(&mut browser, "ada").status, Status::UnprocessableEntity);
    }
    for expected in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
        let slowed = browser.log_in("ada");
        assert_eq!(wait(&slowed), expected);
        slowed.shows("value=\"ada\"");
        app.pass(expected - 1);
        assert_eq!(wait(&guess(&mut browser, "ADA ")), 1);
        app.pass(1);
        assert_eq!(guess(&mut browser, "ada").status, Status::UnprocessableEntity);
    }
    app.pass(900);
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn the_wait_is_told_in_words_and_the_form_is_kept() {
    let app = App::new();
    for _ in 0..10 {
        guess(&mut app.browser(), "ada");
    }
    let form = [("username", "ada"), ("password", PASSWORD), ("next", "/account")];
    let slowed = app.browser().post("/login", &form);
    slowed.flashed("danger", "Too many wrong passwords. Try again in 10 seconds.");
    slowed.shows("value=\"/account\"");
    slowed.hides(PASSWORD);
    app.pass(9);
    let slowed = app.browser().post("/login", &form);
    slowed.flashed("danger", "Too many wrong passwords. Try again in a second.");
}

#[test]
fn names_that_nobody_has_are_slowed_just_the_same() {
    let app = App::new();
    for _ in 0..10 {
        guess(&mut app.browser(), "nobody");
    }
    assert_eq!(wait(&guess(&mut app.browser(), "nobody")), 10);
}

#[test]
fn it_does_not_matter_from_where_a_name_is_guessed_at_and_other_names_go_on() {
    let app = App::new();
    app.registered("ada");
    app.registered("grace");
    for host in 1..=10 {
        let mut browser = app.browser();
        browser.address = [203, 0, 113, host].into();
        guess(&mut browser, "ada");
    }
    assert_eq!(wait(&app.browser().log_in("ada")), 10);
    assert_eq!(app.browser().log_in("grace").location(), "/dashboard");
}

#[test]
fn after_100_wrong_passwords_an_address_waits_and_other_addresses_go_on() {
    let app = App::new();
    app.registered("ada");
    let mut browser = app.browser();
    browser.address = "2001:db8::1".parse().unwrap();
    for number in 0..100 {
        let answer = guess(&mut browser, &format!("name-{number}"));
        assert_eq!(answer.status, Status::UnprocessableEntity);
    }
    assert_eq!(wait(&browser.log_in("ada")), 10);
    browser.address = "2001:db8::ffff:1".parse().unwrap();
    assert_eq!(wait(&browser.log_in("ada")), 10, "the same network");
    browser.address = "2001:db8:0:1::1".parse().unwrap();
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn right_passwords_are_never_counted_and_clear_the_name() {
    let app = App::new();
    app.registered("ada");
    for _ in 0..3 {
        for _ in 0..9 {
            guess(&mut app.browser(), "ada");
        }
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    }
    for _ in 0..110 {
        assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    }
}

#[test]
fn a_day_later_and_not_before_all_is_forgotten() {
    const A_DAY: i64 = 24 * 60 * 60;
    let app = App::new();
    for _ in 0..10 {
        guess(&mut app.browser(), "ada");
    }
    app.pass(A_DAY - 1);
    assert_eq!(guess(&mut app.browser(), "ada").status, Status::UnprocessableEntity);
    assert_eq!(wait(&guess(&mut app.browser(), "ada")), 20);
    app.pass(A_DAY);
    for _ in 0..10 {
        assert_eq!(guess(&mut app.browser(), "ada").status, Status::UnprocessableEntity);
    }
    assert_eq!(wait(&guess(&mut app.browser(), "ada")), 10);
}

#[test]
fn proofs_are_slowed_by_themselves_and_leave_the_login_open() {
    let app = App::new();
    let mut thief = app.registered("ada");
    for _ in 0..10 {
        let answer = thief.post("/reauthenticate", &[("password", "not the right password")]);
        assert_eq!(answer.status, Status::UnprocessableEntity);
    }
    let form = [("password", PASSWORD), ("next", "/account")];
    let slowed = thief.post("/reauthenticate", &form);
    assert_eq!(wait(&slowed), 10);
    slowed.shows("value=\"/account\"");
    assert_eq!(app.browser().log_in("ada").location(), "/dashboard");
    app.pass(10);
    assert_eq!(thief.post("/reauthenticate", &form).location(), "/account");
}

#[rocket::async_test]
async fn a_burst_of_guesses_is_worth_no_more_than_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let rocket = app::build(figment(&dir), Clock::default(), log).unwrap();
    let client = Client::untracked(rocket).await.unwrap();
    let form = encode(&[("username", "ada"), ("password", "not the right password")]);
    let guesses = (0..40).map(|_| {
        let guess = client.post("/login").header(ContentType::Form).body(&form);
        async { guess.dispatch().await.status() }
    });
    let statuses = rocket::futures::future::join_all(guesses).await;
    let looked_at = statuses.iter().filter(|status| **status == Status::UnprocessableEntity);
    assert_eq!(looked_at.count(), 10, "{statuses:?}");
    assert!(statuses.iter().skip(10).any(|status| *status == Status::TooManyRequests));
}
