//! Session lifetimes, and the account page.

use rocket::http::{Accept, Cookie, Status};
use sha2::{Digest, Sha256};

use crate::support::*;

#[test]
fn a_token_hash_from_the_database_is_not_a_valid_token() {
    let app = App::new();
    app.registered("ada");
    // Forges a cookie, as an attacker with the secret key could.
    let is_logged_in = |token: &str| {
        let cookie_value = format!(
            r#"{{"id":"{token}","expires":{},"confirmed":0,"remembered":false,"browser":0}}"#,
            START_TIME + 60
        );
        let request = app.client().get("/api/me").header(Accept::JSON);
        request.private_cookie(Cookie::new("login", cookie_value)).dispatch().status() == Status::Ok
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let stored_hash = app.bytes("SELECT token_hash AS bytes FROM sessions");
    assert!(!is_logged_in(&hex(&stored_hash)));
    let known_hash = hex(&Sha256::digest("known"));
    let prefix = if app.is_on_postgres() { r"'\x" } else { "x'" };
    app.sql(&format!("UPDATE sessions SET token_hash = {prefix}{known_hash}'"));
    assert!(is_logged_in("known"), "the forged cookie does not work even with a valid token");
}

#[test]
fn an_active_session_expires_12_hours_after_login() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for _ in 0..12 {
        app.advance(60 * 60 - 1);
        assert!(browser.is_logged_in());
        app.wait_for_recorded_visit();
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
    app.wait_for_recorded_visit();
    app.advance(2 * 60 * 60 + 60 + 1);
    assert!(!idle.is_logged_in());
    assert!(remembered.is_logged_in());
}

#[test]
fn a_session_lasts_2_hours_after_an_unrecorded_visit() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(59);
    assert!(browser.is_logged_in());
    app.advance(2 * 60 * 60);
    assert!(browser.is_logged_in());
}

#[test]
fn records_a_visit_at_most_once_a_minute() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let last_seen_at = || app.number("SELECT last_seen_at - 1900000000 AS number FROM sessions");
    for (wait, expected) in [(59, 0), (1, 60), (59, 60), (1, 120)] {
        app.advance(wait);
        browser.get("/dashboard");
        if expected > last_seen_at() {
            app.wait_for_recorded_visit();
        } else {
            // Logs in, because a login takes longer than a write in the background.
            app.browser().log_in("unknown");
        }
        assert_eq!(last_seen_at(), expected);
    }
}

#[test]
fn logins_purge_expired_sessions_in_the_background() {
    let app = App::new();
    app.registered("ada");
    app.browser().log_in_remembered("ada");
    app.advance(3 * 60 * 60);
    let expired =
        "SELECT count(*) AS number FROM sessions WHERE created_at = 1900000000 AND NOT remembered";
    assert_eq!(app.number(expired), 1);
    let started = std::time::Instant::now();
    while app.number(expired) > 0 {
        assert!(started.elapsed().as_secs() < 10, "the session was not purged");
        app.browser().log_in("ada");
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions WHERE remembered"), 1);
}

/// Inserts sessions of the user with id 1 that were last seen in the last seconds before the start.
fn insert_sessions(app: &App, count: u32) {
    let token_hash = if app.is_on_postgres() { "sha256(n::text::bytea)" } else { "randomblob(32)" };
    app.sql(&format!(
        "INSERT INTO sessions (user_id, token_hash, user_agent, remembered, created_at, last_seen_at,
                               expires_at, absolute_expires_at)
         WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
         SELECT 1, {token_hash}, '', FALSE, 0, {START_TIME} - n, {START_TIME} + 100, {START_TIME} + 100
         FROM numbers"
    ));
}

#[test]
fn a_user_has_at_most_100_sessions_and_a_login_ends_the_oldest() {
    let app = App::new();
    app.registered("grace");
    app.registered("ada");
    app.sql("UPDATE sessions SET last_seen_at = 0 WHERE user_id = 2");
    insert_sessions(&app, 150);
    let mut browser = app.browser();
    assert_eq!(browser.log_in("grace").location(), "/dashboard");
    assert!(browser.is_logged_in());
    let sessions = "SELECT count(*) AS number FROM sessions WHERE user_id";
    assert_eq!(app.number(&format!("{sessions} = 1")), 100);
    let newest = app.number("SELECT max(last_seen_at) AS number FROM sessions WHERE user_id = 1");
    assert_eq!(newest, START_TIME);
    let oldest =
        "SELECT max(last_seen_at) AS number FROM sessions WHERE user_id = 1 AND created_at = 0";
    assert_eq!(app.number(oldest), START_TIME - 52, "expected the last 99 of 150 sessions");
    assert_eq!(app.number(&format!("{sessions} = 2")), 1, "another user's session was ended");
}

#[test]
fn the_account_page_lists_at_most_50_sessions_with_the_current_one_first() {
    let app = App::new();
    let mut browser = app.registered("ada");
    insert_sessions(&app, 20_000);
    app.sql(&format!("UPDATE sessions SET last_seen_at = {START_TIME} - 999 WHERE id = 1"));
    let page = browser.get("/account");
    assert_eq!(revocable_ids(&page).len(), 49);
    let current = page.body.find("this device").unwrap();
    assert!(current < page.body.find("Log out device").unwrap());
    page.assert_contains("<p>19951 more devices are not listed.</p>");
    page.assert_contains("The list shows the 50 devices that were active most recently.");
    page.assert_contains("You can be logged in on 100 devices");
    assert!(page.body.len() < 60_000, "the page has {} bytes", page.body.len());
    browser.post("/account/sessions/revoke-others", &[]);
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 1);
    browser.get("/account").assert_lacks("not listed");
}

#[test]
fn reauthentication_updates_the_name_of_the_device() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.user_agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
        AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
    browser.get("/account").assert_contains(">Firefox on Linux</strong>");
    browser.post("/reauthenticate", &[("password", PASSWORD)]);
    let page = browser.get("/account");
    page.assert_contains(">Safari on iPhone</strong>");
    page.assert_lacks("Firefox");
}

#[test]
fn session_lifetimes_follow_the_settings() {
    let app = App::configured(
        "[debug.login]\nsession_lifetime = 100\nidle_timeout = 30\nremember_lifetime = 200",
    );
    let mut browser = app.registered("ada");
    let mut remembered = app.browser();
    remembered.log_in_remembered("ada");
    for _ in 0..4 {
        app.advance(24);
        assert!(browser.is_logged_in());
        app.wait_for_recorded_visit();
    }
    app.advance(5);
    assert!(!browser.is_logged_in());
    app.advance(99);
    assert!(remembered.is_logged_in());
    app.advance(1);
    assert!(!remembered.is_logged_in());
}

#[test]
fn anonymous_requests_and_static_files_do_not_query_the_users_table() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("ALTER TABLE users RENAME TO renamed");
    for path in ["/", "/login", "/register", "/logout", "/static/style.css", "/nowhere"] {
        assert!(app.browser().get(path).status.code < 500, "{path}");
    }
    assert_eq!(browser.get("/static/style.css").status.code, 200);
    assert_eq!(browser.get("/").status.code, 503);
}

/// Returns the ids of the sessions that the account page offers to revoke.
fn revocable_ids(page: &Response) -> Vec<String> {
    let forms = page.body.split("action=\"/account/sessions/").skip(1);
    forms
        .filter_map(|rest| rest.split_once("/revoke\""))
        .map(|(id, _)| id.to_owned())
        .filter(|id| id.parse::<u32>().is_ok())
        .collect()
}

#[test]
fn the_account_page_lists_devices_and_marks_the_current_device() {
    let app = App::new();
    app.registered("grace");
    let mut current = app.registered("ada");
    let mut phone = app.browser();
    phone.user_agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
        AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
    phone.log_in_remembered("ada");
    let mut script = app.browser();
    script.user_agent = "<i>no such browser</i>";
    script.log_in("ada");
    let page = current.get("/account");
    page.assert_contains(
        ">Firefox on Linux</strong> <span class=\"tag current\">this device</span>",
    );
    page.assert_contains(">Safari on iPhone</strong> <span class=\"tag\">remembered</span>");
    page.assert_contains(">Unknown device</strong>");
    let time = "<time datetime=\"2030-03-17T17:46:40Z\">17 March 2030, 17:46 UTC</time>";
    page.assert_contains(&format!("Logged in {time}, active now</p>"));
    page.assert_contains(&format!("Logged in {time}, last seen {time}</p>"));
    page.assert_lacks("<i>");
    assert_eq!(revocable_ids(&page).len(), 2, "expected the user's two other sessions");
}

#[test]
fn revokes_only_the_selected_session() {
    let app = App::new();
    let mut current = app.registered("ada");
    let (mut earlier, mut later) = (app.browser(), app.browser());
    earlier.log_in("ada");
    app.advance(60);
    later.log_in("ada");
    let ids = revocable_ids(&current.get("/account"));
    let response = current.post(&format!("/account/sessions/{}/revoke", ids[0]), &[]);
    assert_eq!(response.location(), "/account");
    current.follow(response).assert_flashes("success", "The device has been logged out.");
    assert!(current.is_logged_in());
    assert!(earlier.is_logged_in());
    assert!(!later.is_logged_in(), "the session seen last is not listed first");
}

#[test]
fn revokes_all_other_sessions() {
    let app = App::new();
    let mut grace = app.registered("grace");
    let mut current = app.registered("ada");
    let mut other_browsers = [app.browser(), app.browser()];
    other_browsers.iter_mut().for_each(|other| drop(other.log_in_remembered("ada")));
    let response = current.post("/account/sessions/revoke-others", &[]);
    current.follow(response).assert_flashes("success", "All other devices have been logged out.");
    assert!(current.is_logged_in());
    assert!(grace.is_logged_in());
    assert!(other_browsers.iter_mut().all(|other| !other.is_logged_in()));
}

#[test]
fn a_user_cannot_revoke_another_users_session() {
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
fn without_other_devices_there_are_none_to_log_out() {
    let app = App::new();
    let mut current = app.registered("ada");
    current.get("/account").assert_lacks("Log out all other devices");
    for _ in 0..2 {
        let response = current.post("/account/sessions/revoke-others", &[]);
        current.follow(response).assert_flashes("info", "You have no other devices to log out.");
        // The account page does not list an expired session, so it does not count.
        app.browser().log_in("ada");
        app.sql("UPDATE sessions SET expires_at = 1899999999 WHERE id > 1");
    }
    app.browser().log_in("ada");
    current.get("/account").assert_contains("Log out all other devices");
    let response = current.post("/account/sessions/revoke-others", &[]);
    current.follow(response).assert_flashes("success", "All other devices have been logged out.");
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 1);
}

#[test]
fn the_account_page_does_not_list_expired_sessions() {
    let app = App::new();
    app.registered("ada");
    let mut current = app.browser();
    current.log_in("ada");
    assert_eq!(revocable_ids(&current.get("/account")).len(), 1);
    app.sql("UPDATE sessions SET expires_at = 1899999999 WHERE id = 1");
    assert_eq!(revocable_ids(&current.get("/account")), Vec::<String>::new());
}
