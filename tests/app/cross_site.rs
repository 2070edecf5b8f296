//! Cross-site requests.

use rocket::http::{Method, SameSite, Status};

use crate::support::*;

/// Request headers, and whether each header marks the request as cross-site.
const HEADERS: [(&str, &str, bool); 13] = [
    ("Sec-Fetch-Site", "same-origin", false),
    ("Sec-Fetch-Site", "none", false),
    ("Sec-Fetch-Site", "cross-site", true),
    ("Sec-Fetch-Site", "same-site", true),
    ("Sec-Fetch-Site", "anything else", true),
    ("Origin", "http://login.example", false),
    ("Origin", "https://LOGIN.example", false),
    ("Origin", "http://login.example:8080", true),
    ("Origin", "http://evil.example", true),
    ("Origin", "http://login.example.evil.example", true),
    ("Origin", "null", true),
    ("Origin", "login.example", true),
    ("X-Unrelated", "value", false),
];

fn post(browser: &mut Browser<'_>, path: &str, header: (&str, &str)) -> Response {
    let form = [("username", "eve"), ("password", PASSWORD), ("new_password", PASSWORD)];
    let body = encode(&form);
    let headers = [("Host", "login.example"), header];
    browser.send(Method::Post, path, &headers, Some((rocket::http::ContentType::Form, &body)))
}

#[test]
fn blocks_cross_site_requests_with_a_403_page() {
    for (name, value, is_cross_site) in HEADERS {
        let app = App::new();
        let response = post(&mut app.browser(), "/register", (name, value));
        let users = app.number("SELECT count(*) AS number FROM users");
        if is_cross_site {
            assert_eq!((response.status, users), (Status::Forbidden, 0), "{name}: {value}");
            response.assert_contains("sent from another site");
            response.assert_contains("href=\"/\"");
            response.assert_sets_no_cookie();
            assert!(app.events()[0].contains("\"cross_site_blocked\""));
        } else {
            assert_eq!((response.status, users), (Status::SeeOther, 1), "{name}: {value}");
        }
    }
}

#[test]
fn prefers_sec_fetch_site_to_origin() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let headers = [
        ("Host", "login.example"),
        ("Origin", "http://login.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let response = browser.send(Method::Post, "/logout", &headers, None);
    assert_eq!(response.status, Status::Forbidden);
    assert!(browser.is_logged_in());
}

#[test]
fn blocks_cross_site_api_requests_with_a_json_error() {
    let app = App::new();
    let headers = [("Sec-Fetch-Site", "cross-site"), ("Accept", "application/json")];
    let response = app.browser().send(Method::Post, "/logout", &headers, None);
    assert_eq!(response.body, r#"{"error":"Forbidden"}"#);
}

#[test]
fn blocks_cross_site_requests_to_every_state_changing_route() {
    let app = App::new();
    let browser = app.registered("ada");
    let routes: Vec<_> = app
        .client()
        .rocket()
        .routes()
        .filter(|route| !matches!(route.method, Method::Get | Method::Head | Method::Options))
        .map(|route| (route.method, route.uri.path().replace("<id>", "1")))
        .collect();
    assert!(routes.len() >= 7, "{routes:?}");
    for (method, path) in routes {
        assert!(!path.contains('<'), "this test does not replace the parameter in {path}");
        let headers = [("Sec-Fetch-Site", "cross-site")];
        let response = browser.clone().send(method, &path, &headers, None);
        assert_eq!(response.status, Status::Forbidden, "{method} {path}");
        assert!(browser.clone().is_logged_in(), "{method} {path}");
    }
}

#[test]
fn allows_links_from_other_sites() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let headers = [("Sec-Fetch-Site", "cross-site")];
    let response = browser.send(Method::Get, "/dashboard", &headers, None);
    assert_eq!(response.status, Status::Ok);
}

#[test]
fn the_login_message_is_in_a_same_site_lax_cookie_after_a_link_from_another_site() {
    let app = App::new();
    let headers = [("Sec-Fetch-Site", "cross-site")];
    let response = app.browser().send(Method::Get, "/dashboard", &headers, None);
    let cookies = response.set_cookies();
    let [flash] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert_eq!((flash.name(), flash.same_site()), ("_flash", Some(SameSite::Lax)));
}

#[test]
fn compares_the_origin_with_the_http_2_authority() {
    use rocket::http::Header;
    use rocket::http::uri::Host;
    let app = App::new();
    for (origin, status) in
        [("http://login.example", Status::SeeOther), ("http://evil.example", Status::Forbidden)]
    {
        let mut request = app.client().post("/logout");
        request.inner_mut().set_host(Host::parse("login.example").unwrap());
        let response = request.header(Header::new("Origin", origin)).dispatch();
        assert_eq!(response.status(), status, "{origin}");
    }
}
