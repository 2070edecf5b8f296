//! Responses to unauthorized requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::*;
use rocket::http::{Accept, ContentType, Header, Status};
use rocket::local::blocking::Client;
use rocket::response::Redirect;
use rocket::serde::json::json;
use rocket::{routes, uri};
use rocket_login::{Event, LoginManager, expects_json, login_url};

#[test]
fn redirects_an_anonymous_user_to_the_login_view_with_next_and_a_flash_message() {
    let client = client(manager());
    let response = client.get("/members?_page=2").dispatch();
    assert_redirects(&response, "/log-in?lang=en&next=/members%3F_page%3D2");
    assert_eq!(flash(&response).unwrap(), "7:warningMembers only.");
    let cookie = response.headers().get("Set-Cookie").last().unwrap();
    assert!(
        cookie.contains("SameSite=Lax"),
        "browsers omit this cookie after a link on another site: {cookie}"
    );
}

#[test]
fn without_a_view_the_response_is_a_plain_401() {
    let (clock, time) = test_clock();
    let client = client(LoginManager::new().clock(time));
    let response = client.get("/members").dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert_eq!(text(response), "Please log in to access this page.");
    log_in_as(&client, "ada");
    advance(&clock, 15 * 60 + 1);
    let response = client.get("/settings").dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert_eq!(text(response), "Please reauthenticate to access this page.");
}

#[test]
fn the_default_login_message_matches_flask_login() {
    let client = client(LoginManager::new().login_view("/log-in"));
    let response = client.get("/members").dispatch();
    assert_eq!(flash(&response).unwrap(), "7:messagePlease log in to access this page.");
}

#[test]
fn an_empty_message_is_not_flashed() {
    let (clock, time) = test_clock();
    let message = manager().clock(time.clone()).needs_refresh_message("danger", "Again.");
    let with_message = client(message);
    post_text(&with_message, "/log-in/ada?not_fresh=true");
    let response = with_message.get("/settings").dispatch();
    assert_eq!(flash(&response).unwrap(), "6:dangerAgain.");
    drop(response);
    let manager = manager().clock(time).login_message("", "").needs_refresh_message("", "");
    let client = client(manager);
    let response = client.get("/members").dispatch();
    assert_redirects(&response, "/log-in?lang=en&next=/members");
    assert_sets_no_cookie(&response);
    drop(response);
    log_in_as(&client, "ada");
    advance(&clock, 15 * 60 + 1);
    let response = client.get("/settings").dispatch();
    assert_redirects(&response, "/confirm?next=/settings");
    assert_sets_no_cookie(&response);
}

#[test]
fn accepts_uris_and_strings_as_views_and_paths() {
    let client = client(
        LoginManager::new()
            .login_view(uri!("/log-in"))
            .refresh_view(String::from("/confirm"))
            .login_message("warning", String::from("Members only."))
            .exempt(uri!("/static")),
    );
    assert_redirects(&client.get("/members").dispatch(), "/log-in?next=/members");
}

#[test]
fn a_part_of_the_app_can_have_its_own_login_view() {
    let manager = manager()
        .login_view_under("/settings/5", "/team/log-in")
        .login_view_under("/settings", "/staff/log-in")
        .login_view_under("/set", "/wrong/log-in");
    let client = client(manager);
    let response = client.get("/settings").dispatch();
    assert_redirects(&response, "/staff/log-in?next=/settings");
    assert_eq!(flash(&response).unwrap(), "7:warningMembers only.");
    drop(response);
    assert_redirects(&client.post("/settings/5/save").dispatch(), "/team/log-in?next=/settings");
    assert_redirects(&client.get("/members").dispatch(), "/log-in?lang=en&next=/members");
    let json = client.get("/settings").header(Accept::JSON).dispatch();
    assert_eq!(json.status(), Status::Unauthorized);
}

#[test]
fn api_clients_get_a_json_401_without_a_flash_message() {
    let client = client(manager());
    let problem = "application/problem+json; charset=utf-8";
    let html = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
    for (headers, is_api) in [
        (vec![], false),
        (vec![("Accept", html)], false),
        (vec![("Accept", "*/*")], false),
        (vec![("Accept", "application/json")], true),
        (vec![("Accept", "application/vnd.api+json")], true),
        (vec![("Accept", "text/html, application/json;q=0.5")], false),
        (vec![("Content-Type", "application/json")], true),
        (vec![("Content-Type", problem)], true),
        (vec![("Accept", "image/svg+json")], false),
        (vec![("Content-Type", "application/x-www-form-urlencoded")], false),
        // `fetch()` without options
        (vec![("Accept", "*/*"), ("Sec-Fetch-Dest", "empty")], true),
        (vec![("Sec-Fetch-Dest", "empty")], true),
        // Turbo, htmx before version 4, and htmx since version 4
        (vec![("Accept", "text/html, application/xhtml+xml"), ("Sec-Fetch-Dest", "empty")], false),
        (vec![("Accept", "*/*"), ("Sec-Fetch-Dest", "empty"), ("HX-Request", "true")], false),
        (vec![("Accept", "text/html"), ("Sec-Fetch-Dest", "empty")], false),
        (vec![("Accept", html), ("Sec-Fetch-Dest", "document")], false),
    ] {
        let mut request = client.get("/members");
        for (name, value) in &headers {
            request.add_header(Header::new(*name, *value));
        }
        let response = request.dispatch();
        if is_api {
            assert_eq!(response.status(), Status::Unauthorized, "{headers:?}");
            assert_eq!(response.content_type(), Some(ContentType::JSON));
            assert_sets_no_cookie(&response);
            assert_eq!(text(response), r#"{"error":"Unauthorized"}"#);
        } else {
            assert_eq!(response.status(), Status::SeeOther, "{headers:?}");
            assert!(flash(&response).is_some(), "{headers:?}");
        }
    }
}

#[test]
fn no_flash_message_is_set_for_an_unauthorized_image_request() {
    let client = client(manager());
    let image = Header::new("Sec-Fetch-Dest", "image");
    let response = client.get("/members").header(image).dispatch();
    assert_redirects(&response, "/log-in?lang=en&next=/members");
    assert_sets_no_cookie(&response);
}

#[test]
fn custom_handlers_replace_the_default_response_and_run_after_the_event() {
    let (clock, time) = test_clock();
    let emitted = Arc::new(AtomicBool::new(false));
    let seen = emitted.clone();
    let manager = manager()
        .clock(time)
        .on_event(move |event, _| {
            emitted.store(matches!(event, Event::Unauthorized), Ordering::Relaxed)
        })
        .unauthorized_handler(move |request| {
            assert!(seen.load(Ordering::Relaxed));
            (Status::ImATeapot, format!("no {}", request.uri()))
        })
        .needs_refresh_handler(|_| "again");
    let client = client(manager);
    let response = client.get("/members").dispatch();
    assert_eq!(response.status(), Status::ImATeapot);
    assert_eq!(text(response), "no /members");
    log_in_as(&client, "ada");
    advance(&clock, 15 * 60 + 1);
    assert_eq!(get_text(&client, "/settings"), "again");
}

#[test]
fn a_custom_handler_can_reuse_login_url_and_expects_json() {
    let client = client(LoginManager::new().unauthorized_handler(|request| {
        if expects_json(request) {
            Err((Status::Unauthorized, json!({ "code": 7 })))
        } else {
            Ok(Redirect::to(login_url(request, "/other?a=b")))
        }
    }));
    assert_redirects(&client.get("/members").dispatch(), "/other?a=b&next=/members");
    let response = client.get("/members").header(Accept::JSON).dispatch();
    assert_eq!(text(response), r#"{"code":7}"#);
}

#[test]
fn an_auth_error_from_a_handler_gets_the_same_response_as_a_failed_guard() {
    let (clock, time) = test_clock();
    let client = client(manager().clock(time));
    assert_redirects(&client.get("/result").dispatch(), "/log-in?lang=en&next=/result");
    assert_redirects(
        &client.get("/own-error/unauthorized").dispatch(),
        "/log-in?lang=en&next=/own-error/unauthorized",
    );
    assert_redirects(
        &client.get("/own-error/needs-refresh").dispatch(),
        "/confirm?next=/own-error/needs-refresh",
    );
    let response = client.get("/own-error/needs-refresh").header(Accept::JSON).dispatch();
    assert_eq!(text(response), r#"{"error":"Reauthentication required"}"#);
    log_in_as(&client, "ada");
    assert_eq!(get_text(&client, "/result"), "ada");
    advance(&clock, 15 * 60 + 1);
    assert_redirects(&client.get("/result").dispatch(), "/confirm?next=/result");
}

#[test]
fn next_after_an_unauthorized_post_is_the_nearest_page() {
    let client = client(manager());
    let response = client.post("/settings/5/save").dispatch();
    assert_redirects(&response, "/log-in?lang=en&next=/settings");
}

#[test]
fn next_after_an_unauthorized_post_is_the_home_page_if_no_other_page_is_nearer() {
    #[rocket::post("/purge/<_path..>")]
    fn purge(_path: std::path::PathBuf, _user: rocket_login::RequiredUser<User>) {}
    #[rocket::get("/")]
    fn home() {}

    let without_home = Client::tracked(rocket(manager()).mount("/", routes![purge])).unwrap();
    assert_redirects(&without_home.post("/purge").dispatch(), "/log-in?lang=en");
    let with_home = Client::tracked(rocket(manager()).mount("/", routes![purge, home])).unwrap();
    assert_redirects(&with_home.post("/purge").dispatch(), "/log-in?lang=en&next=/");
    // Ignores a long path, because a search of all routes for each of 1,500 segments would be slow.
    let long = format!("/purge/{}", "a/".repeat(1500));
    assert_redirects(&with_home.post(long).dispatch(), "/log-in?lang=en");
}

#[test]
fn the_nearest_page_can_have_a_parameter_but_is_never_a_catch_all_route() {
    #[rocket::get("/notes/<_id>")]
    fn note(_id: u8) {}
    #[rocket::post("/notes/<_id>/delete")]
    fn delete(_id: u8, _user: rocket_login::RequiredUser<User>) {}
    #[rocket::get("/files/<_path..>")]
    fn files(_path: std::path::PathBuf) {}
    #[rocket::post("/files/<_name>/delete")]
    fn delete_file(_name: &str, _user: rocket_login::RequiredUser<User>) {}

    let rocket = rocket(manager()).mount("/", routes![note, delete, files, delete_file]);
    let client = Client::tracked(rocket).unwrap();
    let response = client.post("/notes/5/delete").dispatch();
    assert_redirects(&response, "/log-in?lang=en&next=/notes/5");
    drop(response);
    assert_redirects(&client.post("/files/5/delete").dispatch(), "/log-in?lang=en");
}

#[test]
fn a_handlers_own_401_is_not_treated_as_an_unauthorized_request() {
    #[rocket::post("/check-password")]
    fn check() -> Status {
        Status::Unauthorized
    }

    let client = Client::tracked(rocket(manager()).mount("/", routes![check])).unwrap();
    let response = client.post("/check-password").dispatch();
    assert_eq!(response.status(), Status::Unauthorized);
    assert_sets_no_cookie(&response);
    drop(response);
    let response = client.post("/check-password").header(Accept::JSON).dispatch();
    assert_eq!(text(response), r#"{"error":"Unauthorized"}"#);
}

#[test]
fn a_custom_handler_can_respond_with_a_bare_status() {
    for status in [Status::Unauthorized, Status::NotFound] {
        let client = client(manager().unauthorized_handler(move |_| status));
        assert_eq!(client.get("/members").dispatch().status(), status);
    }
}

#[test]
fn an_options_request_does_not_run_guards() {
    let client = client(manager());
    assert_eq!(client.options("/members").dispatch().status(), Status::NotFound);
}
