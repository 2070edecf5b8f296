//! Fresh logins and reauthentication.

use std::num::NonZeroU32;

use crate::support::*;
use rocket::http::{Header, Status};
use rocket_login::Settings;

#[test]
fn a_login_is_fresh_for_15_minutes_and_again_after_reauthentication() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    log_in_as(&client, "ada");
    advance(&clock, 15 * 60);
    assert_eq!(get_text(&client, "/settings"), "ada");
    advance(&clock, 1);
    let response = client.get("/settings").dispatch();
    assert_redirects(&response, "/confirm?next=/settings");
    let message = "7:messagePlease reauthenticate to access this page.";
    assert_eq!(flash(&response).unwrap(), message);
    drop(response);
    assert_eq!(get_text(&client, "/members"), "ada");
    assert_eq!(post_text(&client, "/confirm"), "true");
    assert_eq!(get_text(&client, "/settings"), "ada");
}

#[test]
fn a_login_without_a_password_is_not_fresh_until_reauthentication() {
    let client = client(manager());
    post_text(&client, "/log-in/ada?not_fresh=true&remember=yes");
    assert_eq!(get_text(&client, "/who"), "ada fresh=false remembered=true");
    assert_redirects(&client.get("/settings").dispatch(), "/confirm?next=/settings");
    post_text(&client, "/confirm");
    assert_eq!(get_text(&client, "/who"), "ada fresh=true remembered=true");
}

#[test]
fn reauthentication_gives_the_session_a_new_id() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    log_in_as(&client, "ada");
    let old = client.cookies().get("login").unwrap().clone();
    advance(&clock, 60);
    post_text(&client, "/confirm");
    let copy = client.get("/who").cookie(old).dispatch();
    assert_eq!(text(copy), "anonymous fresh=false remembered=false");
}

#[test]
fn reauthentication_does_not_extend_the_session() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    log_in_as(&client, "ada");
    advance(&clock, 12 * 60 * 60 - 10);
    assert_eq!(post_text(&client, "/confirm"), "true");
    advance(&clock, 11);
    assert_eq!(get_text(&client, "/who"), "anonymous fresh=false remembered=false");
}

#[test]
fn confirm_returns_whether_the_session_existed() {
    let client = client(manager());
    assert_eq!(post_text(&client, "/confirm"), "false");
    log_in_as(&client, "ada");
    let copy = client.cookies().get("login").unwrap().clone();
    assert_eq!(post_text(&client, "/confirm"), "true");
    let response = client.post("/confirm").cookie(copy).dispatch();
    assert_sets_no_cookie(&response);
    assert_eq!(text(response), "false");
}

#[test]
fn a_login_is_fresh_for_the_configured_time() {
    let (clock, time) = test_clock();
    let mut settings = Settings::default();
    settings.fresh_for = NonZeroU32::new(10).unwrap();
    let client = client(manager().settings(settings).clock(time));
    log_in_as(&client, "ada");
    advance(&clock, 10);
    assert_eq!(get_text(&client, "/settings"), "ada");
    advance(&clock, 1);
    assert_redirects(&client.get("/settings").dispatch(), "/confirm?next=/settings");
}

#[test]
fn reauthentication_binds_the_session_to_the_current_browser() {
    let client = client(manager());
    client.post("/log-in/ada").header(Header::new("User-Agent", "before the update")).dispatch();
    let after = "after the update";
    assert_eq!(get_from(&client, "/who", after), "ada fresh=false remembered=false");
    client.post("/confirm").header(Header::new("User-Agent", after)).dispatch();
    assert_eq!(get_from(&client, "/who", after), "ada fresh=true remembered=false");
}

#[test]
fn an_api_client_whose_login_is_not_fresh_gets_a_json_401() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    log_in_as(&client, "ada");
    advance(&clock, 15 * 60 + 1);
    let json = Header::new("Accept", "application/json");
    let response = client.get("/settings").header(json).dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert_sets_no_cookie(&response);
    assert_eq!(text(response), r#"{"error":"Reauthentication required"}"#);
}
