//! How long a login lasts, and what the database keeps of it.

use rocket::http::{Accept, Cookie, Status};
use sha2::{Digest, Sha256};

use crate::support::*;

#[test]
fn what_the_database_keeps_is_no_cookie() {
    let app = App::new();
    app.registered("ada");
    // Whoever has the key as well can seal a ticket with what the database keeps in it.
    let is_signed_in = |id: &str| {
        let ticket = format!(
            r#"{{"id":"{id}","expires":{},"confirmed":0,"remembered":false,"browser":0}}"#,
            BEGIN + 60
        );
        let request = app.client().get("/api/me").header(Accept::JSON);
        request.private_cookie(Cookie::new("login", ticket)).dispatch().status() == Status::Ok
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let kept = app.bytes("SELECT token_hash AS bytes FROM sessions");
    assert!(!is_signed_in(&hex(&kept)));
    let known = hex(&Sha256::digest("known"));
    let quote = if app.is_on_postgres() { r"'\x" } else { "x'" };
    app.sql(&format!("UPDATE sessions SET token_hash = {quote}{known}'"));
    assert!(is_signed_in("known"), "no such ticket opens anything");
}

#[test]
fn a_busy_session_ends_12_hours_after_its_login() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for _ in 0..12 {
        app.pass(60 * 60 - 1);
        assert!(browser.is_signed_in());
    }
    app.pass(13);
    assert!(!browser.is_signed_in());
}

#[test]
fn an_idle_session_ends_after_2_hours_and_a_remembered_one_does_not() {
    let app = App::new();
    let mut idle = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_and_be_remembered("ada");
    app.pass(2 * 60 * 60);
    assert!(idle.clone().is_signed_in());
    app.pass(2 * 60 * 60 + 60 + 1);
    assert!(!idle.is_signed_in());
    assert!(remembered.is_signed_in());
}

#[test]
fn an_idle_session_does_not_end_early_because_its_last_visit_was_not_noted() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.pass(59);
    assert!(browser.is_signed_in());
    app.pass(2 * 60 * 60);
    assert!(browser.is_signed_in());
}

#[test]
fn a_visit_is_written_down_at_most_once_a_minute() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let last_seen = || app.number("SELECT last_seen_at - 1900000000 AS number FROM sessions");
    for (wait, seen) in [(59, 0), (1, 60), (59, 60), (1, 120)] {
        app.pass(wait);
        browser.get("/dashboard");
        assert_eq!(last_seen(), seen);
    }
}

#[test]
fn expired_rows_are_cleared_away_at_the_next_login() {
    let app = App::new();
    app.registered("ada");
    app.browser().log_in_and_be_remembered("ada");
    app.pass(3 * 60 * 60);
    app.registered("grace");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE NOT remembered"), 1);
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE remembered"), 1);
}

#[test]
fn the_settings_are_obeyed() {
    let app = App::configured(
        "[debug.login]\nsession_lifetime = 100\nidle_timeout = 30\nremember_lifetime = 200",
    );
    let mut browser = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_and_be_remembered("ada");
    for _ in 0..4 {
        app.pass(24);
        assert!(browser.is_signed_in());
    }
    app.pass(5);
    assert!(!browser.is_signed_in());
    app.pass(99);
    assert!(remembered.is_signed_in());
    app.pass(1);
    assert!(!remembered.is_signed_in());
}

#[test]
fn a_stranger_and_a_picture_ask_the_database_nothing() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("ALTER TABLE users RENAME TO elsewhere");
    for path in ["/", "/login", "/register", "/logout", "/static/style.css", "/nowhere"] {
        assert!(app.browser().get(path).status.code < 500, "{path}");
    }
    assert_eq!(browser.get("/static/style.css").status.code, 200);
    assert_eq!(browser.get("/").status.code, 503);
}

/// The ids of the sessions that the account page offers to end.
fn offered(page: &Answer) -> Vec<String> {
    let forms = page.body.split("action=\"/account/sessions/").skip(1);
    forms
        .filter_map(|rest| rest.split_once("/revoke\""))
        .map(|(id, _)| id.to_owned())
        .filter(|id| id.parse::<u32>().is_ok())
        .collect()
}

#[test]
fn the_account_page_lists_the_devices_in_words_and_marks_this_one() {
    let app = App::new();
    app.registered("grace");
    let mut here = app.registered("ada");
    let mut phone = app.browser();
    phone.user_agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
        AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
    phone.log_in_and_be_remembered("ada");
    let mut script = app.browser();
    script.user_agent = "<i>no such browser</i>";
    script.log_in("ada");
    let page = here.get("/account");
    page.shows("<strong>Firefox on Linux</strong> <span class=\"tag\">this device</span>");
    page.shows("<strong>Safari on iPhone</strong> <span class=\"tag\">remembered</span>");
    page.shows("<strong>Unknown device</strong>");
    page.shows("Since 17 March 2030, 17:46, last seen 17 March, 17:46 UTC");
    page.hides("<i>");
    assert_eq!(offered(&page).len(), 2, "every other session, and not grace's");
}

#[test]
fn one_other_session_can_be_ended() {
    let app = App::new();
    let mut here = app.registered("ada");
    let (mut first, mut second) = (app.browser(), app.browser());
    first.log_in("ada");
    app.pass(60);
    second.log_in("ada");
    let ids = offered(&here.get("/account"));
    let ended = here.post(&format!("/account/sessions/{}/revoke", ids[0]), &[]);
    assert_eq!(ended.location(), "/account");
    here.follow(ended).flashed("success", "That device is signed out.");
    assert!(here.is_signed_in());
    assert!(first.is_signed_in());
    assert!(!second.is_signed_in(), "the one seen last is listed first");
}

#[test]
fn all_others_can_be_ended_at_once() {
    let app = App::new();
    let mut grace = app.registered("grace");
    let mut here = app.registered("ada");
    let mut others = [app.browser(), app.browser()];
    others.iter_mut().for_each(|other| drop(other.log_in_and_be_remembered("ada")));
    let ended = here.post("/account/sessions/revoke-others", &[]);
    here.follow(ended).flashed("success", "Every other device is signed out.");
    assert!(here.is_signed_in());
    assert!(grace.is_signed_in());
    assert!(others.iter_mut().all(|other| !other.is_signed_in()));
}

#[test]
fn nobody_ends_a_session_of_somebody_else() {
    let app = App::new();
    let mut grace = app.registered("grace");
    let mut ada = app.registered("ada");
    let id = app.number("SELECT min(id) AS number FROM sessions");
    for id in [id.to_string(), "999".to_owned(), "-1".to_owned()] {
        let answer = ada.post(&format!("/account/sessions/{id}/revoke"), &[]);
        assert_eq!(answer.status.code, 404);
    }
    let answer = ada.post("/account/sessions/one%20or%20two/revoke", &[]);
    assert!(answer.status.class().is_client_error());
    assert!(grace.is_signed_in());
}

#[test]
fn an_ended_session_is_not_listed() {
    let app = App::new();
    app.registered("ada");
    let mut here = app.browser();
    here.log_in("ada");
    assert_eq!(offered(&here.get("/account")).len(), 1);
    app.sql("UPDATE sessions SET expires_at = 1899999999 WHERE id = 1");
    assert_eq!(offered(&here.get("/account")), Vec::<String>::new());
}
