//! How long sessions last, and the account page.

use rocket::http::{Accept, Cookie, Status};
use sha2::{Digest, Sha256};

use crate::support::*;

#[test]
fn a_token_hash_from_the_database_is_no_valid_token() {
    let app = App::new();
    app.registered("ada");
    // An attacker who has the secret key too could make a cookie from the token's hash.
    let is_logged_in = |id: &str| {
        let ticket = format!(
            r#"{{"id":"{id}","expires":{},"confirmed":0,"remembered":false,"browser":0}}"#,
            BEGIN + 60
        );
        let request = app.client().get("/api/me").header(Accept::JSON);
        request.private_cookie(Cookie::new("login", ticket)).dispatch().status() == Status::Ok
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let kept = app.bytes("SELECT token_hash AS bytes FROM sessions");
    assert!(!is_logged_in(&hex(&kept)));
    let known = hex(&Sha256::digest("known"));
    let quote = if app.is_on_postgres() { r"'\x" } else { "x'" };
    app.sql(&format!("UPDATE sessions SET token_hash = {quote}{known}'"));
    assert!(is_logged_in("known"), "no such ticket opens anything");
}

#[test]
fn a_busy_session_expires_12_hours_after_the_login() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for _ in 0..12 {
        app.advance(60 * 60 - 1);
        assert!(browser.is_logged_in());
        app.wait_for_visit();
    }
    app.advance(13);
    assert!(!browser.is_logged_in());
}

#[test]
fn an_idle_session_expires_after_2_hours_unless_remembered() {
    let app = App::new();
    let mut idle = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_remembered("ada");
    app.advance(2 * 60 * 60);
    assert!(idle.clone().is_logged_in());
    app.advance(2 * 60 * 60 + 60 + 1);
    assert!(!idle.is_logged_in());
    assert!(remembered.is_logged_in());
}

#[test]
fn an_idle_session_never_expires_early() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(59);
    assert!(browser.is_logged_in());
    app.advance(2 * 60 * 60);
    assert!(browser.is_logged_in());
}

#[test]
fn notes_a_visit_at_most_once_a_minute() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let last_seen = || app.number("SELECT last_seen_at - 1900000000 AS number FROM sessions");
    for (wait, seen) in [(59, 0), (1, 60), (59, 60), (1, 120)] {
        app.advance(wait);
        browser.get("/dashboard");
        if seen > last_seen() {
            app.wait_for_visit();
        }
        assert_eq!(last_seen(), seen);
    }
}

#[test]
fn a_login_purges_expired_sessions() {
    let app = App::new();
    app.registered("ada");
    app.browser().log_in_remembered("ada");
    app.advance(3 * 60 * 60);
    app.registered("grace");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE NOT remembered"), 1);
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE remembered"), 1);
}

#[test]
fn sessions_follow_the_settings() {
    let app = App::configured(
        "[debug.login]\nsession_lifetime = 100\nidle_timeout = 30\nremember_lifetime = 200",
    );
    let mut browser = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_remembered("ada");
    for _ in 0..4 {
        app.advance(24);
        assert!(browser.is_logged_in());
        app.wait_for_visit();
    }
    app.advance(5);
    assert!(!browser.is_logged_in());
    app.advance(99);
    assert!(remembered.is_logged_in());
    app.advance(1);
    assert!(!remembered.is_logged_in());
}

#[test]
fn anonymous_requests_and_static_files_cost_no_query() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("ALTER TABLE users RENAME TO elsewhere");
    for path in ["/", "/login", "/register", "/logout", "/static/style.css", "/nowhere"] {
        assert!(app.browser().get(path).status.code < 500, "{path}");
    }
    assert_eq!(browser.get("/static/style.css").status.code, 200);
    assert_eq!(browser.get("/").status.code, 503);
}

/// The ids of the sessions that the account page offers to revoke.
fn offered(page: &Response) -> Vec<String> {
    let forms = page.body.split("action=\"/account/sessions/").skip(1);
    forms
        .filter_map(|rest| rest.split_once("/revoke\""))
        .map(|(id, _)| id.to_owned())
        .filter(|id| id.parse::<u32>().is_ok())
        .collect()
}

#[test]
fn the_account_page_names_devices_and_marks_the_current_one() {
    let app = App::new();
    app.registered("grace");
    let mut here = app.registered("ada");
    let mut phone = app.browser();
    phone.user_agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
        AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
    phone.log_in_remembered("ada");
    let mut script = app.browser();
    script.user_agent = "<i>no such browser</i>";
    script.log_in("ada");
    let page = here.get("/account");
    page.assert_contains(
        "<strong>Firefox on Linux</strong> <span class=\"tag\">this device</span>",
    );
    page.assert_contains("<strong>Safari on iPhone</strong> <span class=\"tag\">remembered</span>");
    page.assert_contains("<strong>Unknown device</strong>");
    page.assert_contains("Since 17 March 2030, 17:46, last seen 17 March, 17:46 UTC");
    page.assert_lacks("<i>");
    assert_eq!(offered(&page).len(), 2, "every other session, and not grace's");
}

#[test]
fn revokes_one_other_session() {
    let app = App::new();
    let mut here = app.registered("ada");
    let (mut first, mut second) = (app.browser(), app.browser());
    first.log_in("ada");
    app.advance(60);
    second.log_in("ada");
    let ids = offered(&here.get("/account"));
    let ended = here.post(&format!("/account/sessions/{}/revoke", ids[0]), &[]);
    assert_eq!(ended.location(), "/account");
    here.follow(ended).assert_flashes("success", "The device has been logged out.");
    assert!(here.is_logged_in());
    assert!(first.is_logged_in());
    assert!(!second.is_logged_in(), "the one seen last is listed first");
}

#[test]
fn revokes_all_other_sessions() {
    let app = App::new();
    let mut grace = app.registered("grace");
    let mut here = app.registered("ada");
    let mut others = [app.browser(), app.browser()];
    others.iter_mut().for_each(|other| drop(other.log_in_remembered("ada")));
    let ended = here.post("/account/sessions/revoke-others", &[]);
    here.follow(ended).assert_flashes("success", "All other devices have been logged out.");
    assert!(here.is_logged_in());
    assert!(grace.is_logged_in());
    assert!(others.iter_mut().all(|other| !other.is_logged_in()));
}

#[test]
fn a_user_can_not_revoke_another_users_session() {
    let app = App::new();
    let mut grace = app.registered("grace");
    let mut ada = app.registered("ada");
    let id = app.number("SELECT min(id) AS number FROM sessions");
    for id in [id.to_string(), "999".to_owned(), "-1".to_owned()] {
        let response = ada.post(&format!("/account/sessions/{id}/revoke"), &[]);
        assert_eq!(response.status.code, 404);
    }
    let response = ada.post("/account/sessions/one%20or%20two/revoke", &[]);
    assert!(response.status.class().is_client_error());
    assert!(grace.is_logged_in());
}

#[test]
fn lists_no_expired_sessions() {
    let app = App::new();
    app.registered("ada");
    let mut here = app.browser();
    here.log_in("ada");
    assert_eq!(offered(&here.get("/account")).len(), 1);
    app.sql("UPDATE sessions SET expires_at = 1899999999 WHERE id = 1");
    assert_eq!(offered(&here.get("/account")), Vec::<String>::new());
}
