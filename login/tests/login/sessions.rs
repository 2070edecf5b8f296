//! Login, logout and the session cookie.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use crate::support::*;
use rocket::http::{Cookie, Status};
use rocket::local::blocking::Client;
use rocket_login::{Remember, Settings, testing};

const ANONYMOUS: &str = "anonymous fresh=false remembered=false";

#[test]
fn login_and_logout_take_effect_within_the_same_request() {
    let client = client(manager());
    assert_eq!(get_text(&client, "/who"), ANONYMOUS);
    assert_eq!(log_in_as(&client, "ada"), "true Some(\"ada\")");
    assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=false");
    assert_eq!(get_text(&client, "/members"), "ada");
    assert_eq!(post_text(&client, "/log-out"), "ended=true user=None");
    assert_eq!(get_text(&client, "/who"), ANONYMOUS);
}

#[test]
fn an_inactive_user_cannot_log_in_and_the_current_user_stays_logged_in() {
    let client = client(manager());
    assert_eq!(log_in_as(&client, "inactive"), "false None");
    assert!(client.cookies().get("login").is_none());
    log_in_as(&client, "ada");
    let response = client.post("/log-in/inactive").dispatch();
    assert_sets_no_cookie(&response);
    assert_eq!(text(response), "false Some(\"ada\")");
    assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=false");
}

#[test]
fn a_deactivated_user_is_anonymous_on_the_next_request() {
    let client = client(manager());
    log_in_as(&client, "ada");
    users(&client).deactivated.lock().unwrap().push("ada".to_owned());
    assert_eq!(get_text(&client, "/who"), ANONYMOUS);
}

#[test]
fn a_request_with_a_deleted_session_is_anonymous() {
    let client = client(manager());
    log_in_as(&client, "ada");
    users(&client).sessions.lock().unwrap().clear();
    assert_redirects(&client.get("/members").dispatch(), "/log-in?lang=en&next=/members");
}

#[test]
fn a_copied_cookie_does_not_work_after_logout() {
    let client = client(manager());
    log_in_as(&client, "ada");
    let copy = client.cookies().get("login").unwrap().clone();
    post_text(&client, "/log-out");
    assert_eq!(text(client.get("/who").cookie(copy).dispatch()), ANONYMOUS);
}

#[test]
fn a_login_ends_the_browsers_previous_session() {
    let client = client(manager());
    log_in_as(&client, "ada");
    let old = client.cookies().get("login").unwrap().clone();
    log_in_as(&client, "bob");
    assert_eq!(users(&client).sessions.lock().unwrap().len(), 1);
    assert_eq!(text(client.get("/who").cookie(old).dispatch()), ANONYMOUS);
}

#[test]
fn a_login_ends_the_previous_session_even_if_its_user_is_deactivated() {
    let client = client(manager());
    log_in_as(&client, "ada");
    users(&client).deactivated.lock().unwrap().push("ada".to_owned());
    log_in_as(&client, "bob");
    let sessions = users(&client).sessions.lock().unwrap();
    assert_eq!(sessions.values().collect::<Vec<_>>(), ["bob"]);
}

#[test]
fn a_logout_ends_the_presented_session_even_if_its_user_is_deactivated() {
    let client = client(manager());
    log_in_as(&client, "ada");
    users(&client).deactivated.lock().unwrap().push("ada".to_owned());
    assert_eq!(post_text(&client, "/log-out"), "ended=true user=None");
    assert!(users(&client).sessions.lock().unwrap().is_empty());
    assert!(client.cookies().get("login").is_none());
}

#[test]
fn a_logout_returns_whether_a_session_ended() {
    let client = client(manager());
    assert_eq!(post_text(&client, "/log-out"), "ended=false user=None");
    log_in_as(&client, "ada");
    let copy = client.cookies().get("login").unwrap().clone();
    assert_eq!(post_text(&client, "/log-out"), "ended=true user=None");
    let again = client.post("/log-out").cookie(copy).dispatch();
    assert_eq!(text(again), "ended=false user=None");
}

#[test]
fn rejects_a_login_if_begin_session_returns_none() {
    let client = client(manager());
    *users(&client).begins_none.lock().unwrap() = true;
    let response = client.post("/log-in/ada").dispatch();
    assert_eq!(response.status(), Status::Ok);
    assert_sets_no_cookie(&response);
    assert_eq!(text(response), "false None");
}

#[test]
fn logs_a_user_in_with_a_session_that_the_app_has_begun() {
    let client = client(manager());
    assert_eq!(post_text(&client, "/register/ada"), "true");
    assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=false");
    let begun = calls(&client).into_iter().any(|call| call.starts_with("begin_session"));
    assert!(!begun);
}

#[test]
fn ends_a_session_that_the_app_has_begun_for_an_inactive_user() {
    let client = client(manager());
    assert_eq!(post_text(&client, "/register/inactive"), "false");
    assert!(users(&client).sessions.lock().unwrap().is_empty());
    assert!(client.cookies().get("login").is_none());
}

#[test]
fn a_session_continues_under_its_new_id() {
    let client = client(manager());
    assert_eq!(post_text(&client, "/replace-session/new"), "false");
    log_in_as(&client, "ada");
    let old = client.cookies().get("login").unwrap().clone();
    assert_eq!(post_text(&client, "/replace-session/new"), "true");
    assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=false");
    assert_eq!(text(client.get("/who").cookie(old).dispatch()), ANONYMOUS);
}

#[test]
fn accepts_any_characters_in_session_ids() {
    let client = client(manager());
    let id = "Zoë \u{1f512} \"quoted\"; a=b";
    users(&client).sessions.lock().unwrap().insert(id.to_owned(), "ada".to_owned());
    let cookie = testing::session_cookie::<User>(client.rocket(), id, Remember::No).unwrap();
    let response = client.get("/members").private_cookie(cookie).dispatch();
    assert_eq!(text(response), "ada");
}

#[test]
fn sets_the_cookie_at_login_and_not_on_later_requests() {
    let client = client(manager());
    let response = client.post("/log-in/ada?remember=yes").dispatch();
    assert!(response.headers().get_one("Set-Cookie").is_some());
    drop(response);
    for path in ["/who", "/members", "/settings"] {
        assert_sets_no_cookie(&client.get(path).dispatch());
    }
}

#[test]
fn the_cookie_is_encrypted_and_http_only_and_not_persistent() {
    let client = client(manager());
    let response = client.post("/log-in/ada").dispatch();
    let cookie = response.headers().get_one("Set-Cookie").unwrap();
    for part in ["login=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    for part in ["ada", "Secure", "Max-Age", "Expires", "Domain"] {
        assert!(!cookie.contains(part), "{part} is in {cookie}");
    }
}

#[test]
fn a_remembered_login_lasts_as_long_as_requested() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    for (path, seconds) in
        [("/log-in/ada?remember=yes", 30 * 24 * 60 * 60), ("/log-in-for/100", 100)]
    {
        let response = client.post(path).dispatch();
        let cookie = response.cookies().get("login").unwrap().clone();
        assert_eq!(cookie.max_age().unwrap().whole_seconds(), seconds);
        drop(response);
        assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=true");
        advance(&clock, seconds);
        let last_second = client.get("/members").cookie(cookie.clone()).dispatch();
        assert_eq!(text(last_second), "ada");
        advance(&clock, 1);
        assert_eq!(text(client.get("/who").cookie(cookie).dispatch()), ANONYMOUS);
    }
}

#[test]
fn a_login_expires_after_12_hours() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    log_in_as(&client, "ada");
    advance(&clock, 12 * 60 * 60);
    assert_eq!(get_text(&client, "/members"), "ada");
    advance(&clock, 1);
    assert_eq!(get_text(&client, "/who"), ANONYMOUS);
}

#[test]
fn a_logout_removes_the_cookie_even_if_the_handler_returns_an_error() {
    for path in ["/log-out-and-fail/401", "/log-out-and-fail/410"] {
        let client = client(manager());
        log_in_as(&client, "ada");
        let response = client.post(path).dispatch();
        let removals = response.headers().get("Set-Cookie").filter(|c| c.starts_with("login=;"));
        assert_eq!(removals.count(), 1, "{path}");
        drop(response);
        assert!(client.cookies().get("login").is_none(), "{path}");
    }
    let client = client(manager());
    log_in_as(&client, "ada");
    let response = client.post("/log-out").dispatch();
    assert_eq!(
        response.headers().get("Set-Cookie").count(),
        1,
        "the cookie is removed more than once"
    );
}

#[test]
fn a_logout_removes_the_cookie_only_if_the_request_has_the_cookie() {
    let client = Client::untracked(rocket(manager())).unwrap();
    assert_sets_no_cookie(&client.post("/log-out").dispatch());
    let invalid = Cookie::new("login", "invalid");
    let response = client.post("/log-out").cookie(invalid).dispatch();
    assert!(response.headers().get_one("Set-Cookie").unwrap().starts_with("login=;"));
}

#[test]
fn a_login_after_a_logout_in_one_request_sets_the_cookie() {
    let client = client(manager());
    log_in_as(&client, "ada");
    post_text(&client, "/switch-to/bob");
    assert_eq!(get_text(&client, "/members"), "bob");
}

#[test]
fn a_login_lasts_for_the_configured_time() {
    let (clock, time) = test_clock();
    let mut settings = Settings::default();
    settings.session_lifetime = NonZeroU32::new(100).unwrap();
    let client = client(manager().settings(settings).clock(time));
    log_in_as(&client, "ada");
    assert_eq!(get_text(&client, "/expires-in"), "100");
    advance(&clock, 100);
    assert_eq!(get_text(&client, "/members"), "ada");
    advance(&clock, 1);
    assert_eq!(get_text(&client, "/who"), ANONYMOUS);
}

#[test]
fn does_not_begin_a_session_for_an_inactive_user() {
    let client = client(manager());
    log_in_as(&client, "inactive");
    assert_eq!(calls(&client), [""; 0]);
}

#[test]
fn logging_in_with_the_current_session_does_not_end_the_session() {
    let client = client(manager());
    log_in_as(&client, "ada");
    assert_eq!(post_text(&client, "/log-in-with/ada-1"), "true");
    assert_eq!(get_text(&client, "/members"), "ada");
}

#[test]
fn remembers_a_login_unless_the_checkbox_is_empty_or_negative() {
    for value in ["", "0", "no", "off", "false", "Off", "FALSE"] {
        let client = client(manager());
        post_text(&client, &format!("/log-in/ada?remember={value}"));
        assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=false", "{value:?}");
    }
    for value in ["on", "yes", "1", "true", "remember-me"] {
        let client = client(manager());
        post_text(&client, &format!("/log-in/ada?remember={value}"));
        assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=true", "{value:?}");
    }
}

#[test]
fn rejects_an_unencrypted_cookie() {
    let client = Client::untracked(rocket(manager())).unwrap();
    users(&client).sessions.lock().unwrap().insert("1".to_owned(), "ada".to_owned());
    let cookie = testing::session_cookie::<User>(client.rocket(), "1", Remember::No).unwrap();
    assert_eq!(text(client.get("/who").cookie(cookie.clone()).dispatch()), ANONYMOUS);
    let encrypted = client.get("/who").private_cookie(cookie).dispatch();
    assert_eq!(text(encrypted), "ada fresh=true remembered=false");
}

#[test]
fn rejects_a_cookie_with_invalid_content() {
    let client = Client::untracked(rocket(manager())).unwrap();
    for content in ["", "null", "{}", "ada", "{\"id\":\"ada\"}"] {
        let cookie = Cookie::new("login", content);
        let response = client.get("/who").private_cookie(cookie).dispatch();
        assert_eq!(text(response), ANONYMOUS, "{content}");
    }
}

#[test]
fn accepts_the_cookie_format_from_before_this_crate_existed() {
    let (clock, time) = test_clock();
    let client = Client::untracked(rocket(manager().clock(time))).unwrap();
    users(&client).sessions.lock().unwrap().insert("1".to_owned(), "ada".to_owned());
    let now = clock.load(Ordering::Relaxed);
    let content = format!(
        r#"{{"id":"1","expires":{},"confirmed":{now},"remembered":true,"browser":14695981039346656037}}"#,
        now + 60
    );
    let response = client.get("/who").private_cookie(Cookie::new("login", content)).dispatch();
    assert_eq!(text(response), "ada fresh=true remembered=true");
}

#[test]
fn over_https_the_cookie_is_secure_and_its_name_has_the_host_prefix() {
    let mut settings = Settings::default();
    settings.secure_cookies = true;
    let client = client(manager().settings(settings).cookie_name("member"));
    let response = client.post("/log-in/ada").dispatch();
    let cookie = response.cookies().get("__Host-member").unwrap().clone();
    assert_eq!((cookie.secure(), cookie.path(), cookie.domain()), (Some(true), Some("/"), None));
    drop(response);
    assert_eq!(get_text(&client, "/members"), "ada");
    let response = client.post("/log-out").dispatch();
    let removal = response.headers().get_one("Set-Cookie").unwrap();
    for part in ["__Host-member=;", "Secure", "Path=/", "Max-Age=0"] {
        assert!(removal.contains(part), "{part} is not in {removal}");
    }
}
