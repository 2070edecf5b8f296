//! Forms and visitors that other sites send.

use rocket::http::{Method, SameSite, Status};

use crate::support::*;

/// What a browser may say of where a request comes from, and whether that is another site.
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
    ("X-Nothing", "said", false),
];

fn post(browser: &mut Browser<'_>, path: &str, header: (&str, &str)) -> Answer {
    let form = [("username", "eve"), ("password", PASSWORD), ("new_password", PASSWORD)];
    let body = encode(&form);
    let headers = [("Host", "login.example"), header];
    browser.send(Method::Post, path, &headers, Some((rocket::http::ContentType::Form, &body)))
}

#[test]
fn what_comes_from_another_site_is_a_403_page_and_nothing_is_done() {
    for (name, value, refused) in HEADERS {
        let app = App::new();
        let answer = post(&mut app.browser(), "/register", (name, value));
        let users = app.number("SELECT count(*) AS number FROM users");
        if refused {
            assert_eq!((answer.status, users), (Status::Forbidden, 0), "{name}: {value}");
            answer.shows("sent from another site");
            answer.shows("href=\"/\"");
            answer.sets_no_cookie();
            assert!(app.events()[0].contains("\"cross_site_refused\""));
        } else {
            assert_eq!((answer.status, users), (Status::SeeOther, 1), "{name}: {value}");
        }
    }
}

#[test]
fn what_a_newer_browser_says_outweighs_what_an_older_one_can() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let headers = [
        ("Host", "login.example"),
        ("Origin", "http://login.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let answer = browser.send(Method::Post, "/logout", &headers, None);
    assert_eq!(answer.status, Status::Forbidden);
    assert!(browser.is_signed_in());
}

#[test]
fn a_program_on_another_site_is_told_in_json() {
    let app = App::new();
    let headers = [("Sec-Fetch-Site", "cross-site"), ("Accept", "application/json")];
    let answer = app.browser().send(Method::Post, "/logout", &headers, None);
    assert_eq!(answer.body, r#"{"error":"Forbidden"}"#);
}

#[test]
fn no_route_that_changes_something_escapes() {
    let app = App::new();
    let browser = app.registered("ada");
    let unsafe_routes: Vec<_> = app
        .client()
        .rocket()
        .routes()
        .filter(|route| !matches!(route.method, Method::Get | Method::Head | Method::Options))
        .map(|route| (route.method, route.uri.path().replace("<id>", "1")))
        .collect();
    assert!(unsafe_routes.len() >= 7, "{unsafe_routes:?}");
    for (method, path) in unsafe_routes {
        assert!(!path.contains('<'), "say here what {path} stands for");
        let headers = [("Sec-Fetch-Site", "cross-site")];
        let answer = browser.clone().send(method, &path, &headers, None);
        assert_eq!(answer.status, Status::Forbidden, "{method} {path}");
        assert!(browser.clone().is_signed_in(), "{method} {path}");
    }
}

#[test]
fn a_link_from_another_site_is_welcome() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let headers = [("Sec-Fetch-Site", "cross-site")];
    let answer = browser.send(Method::Get, "/dashboard", &headers, None);
    assert_eq!(answer.status, Status::Ok);
}

#[test]
fn a_stranger_who_comes_by_such_a_link_is_told_why_to_log_in() {
    let app = App::new();
    let headers = [("Sec-Fetch-Site", "cross-site")];
    let answer = app.browser().send(Method::Get, "/dashboard", &headers, None);
    let cookies = answer.set_cookies();
    let [flash] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert_eq!((flash.name(), flash.same_site()), ("_flash", Some(SameSite::Lax)));
}

#[test]
fn http_2_says_in_its_own_way_where_a_form_was_sent() {
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
