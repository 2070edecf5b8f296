//! Malformed input, which must get a 4xx response and never a 500.

use rocket::http::{ContentType, Cookie, Method, Status};

use crate::support::*;

fn send(app: &App, path: &str, content_type: ContentType, body: &[u8]) -> Response {
    app.browser().send(Method::Post, path, &[], Some((content_type, body)))
}

#[track_caller]
fn assert_4xx_page(response: &Response) {
    assert!(response.status.class().is_client_error(), "{}", response.status);
    assert!(response.header("content-type").unwrap().starts_with("text/html"));
    response.assert_contains("href=\"/\"");
    response.assert_contains(match response.status.code {
        400 => "Invalid form",
        404 => "Page not found",
        413 => "Too large",
        415 => "Not a form",
        _ => "<form method=\"post\"",
    });
}

#[test]
fn malformed_bodies_get_4xx_pages() {
    let app = App::new();
    let long = [b"username=".as_slice(), &b"a".repeat(100_000)].concat();
    for path in ["/login", "/register"] {
        for (body, status) in [
            (b"".as_slice(), 422),
            (b"=&=&&&==", 422),
            (b"username=ada", 422),
            (b"username=ada&username=bob&password=x&password=y", 422),
            (b"username=%00&password=%00", 422),
            (b"username=%ff%fe&password=%c3%28", 422),
            (b"username=\xff\xfe&password=\xc3\x28", 400),
            (b"username=%&password=%zz", 422),
            (b"username[]=a&username[b]=c&password.x=y", 422),
            (b"remember=perhaps&next[]=x", 422),
            (&long, 413),
        ] {
            let response = send(&app, path, ContentType::Form, body);
            assert_4xx_page(&response);
            let excerpt = String::from_utf8_lossy(&body[..body.len().min(60)]);
            assert_eq!(response.status.code, status, "{path} {excerpt:?}");
        }
        for content_type in [ContentType::Plain, ContentType::Binary, ContentType::XML] {
            let response = send(&app, path, content_type, b"username=ada");
            assert_4xx_page(&response);
            assert_eq!(response.status, Status::UnsupportedMediaType);
        }
        let response = send(&app, path, ContentType::JSON, b"{}");
        assert_eq!(response.body, r#"{"error":"Unsupported Media Type"}"#);
        let response = app.browser().send(Method::Post, path, &[], None);
        assert_4xx_page(&response);
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM users"), 0);
}

#[test]
fn accepts_multipart_forms() {
    let app = App::new();
    app.registered("ada");
    let boundary = ContentType::new("multipart", "form-data").with_params(("boundary", "X"));
    let body = format!(
        "--X\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nada\r\n\
         --X\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{PASSWORD}\r\n--X--\r\n"
    );
    assert_eq!(send(&app, "/login", boundary.clone(), body.as_bytes()).location(), "/dashboard");
    assert_4xx_page(&send(&app, "/login", boundary, b"--X\r\nbroken"));
}

#[test]
fn an_unknown_path_gets_a_404_as_a_page_or_as_json() {
    let app = App::new();
    for path in
        ["/nowhere", "/static/nothing.css", "/static/", "/static/../Cargo.toml", "/a/b/c?d=e"]
    {
        let response = app.browser().get(path);
        assert_4xx_page(&response);
        assert_eq!(response.status, Status::NotFound, "{path}");
    }
    let response = app.browser().get_json("/nowhere");
    assert_eq!(response.body, r#"{"error":"Not Found"}"#);
    assert_eq!(response.header("content-type"), Some("application/json"));
    let response = app.browser().send(Method::Put, "/login", &[], None);
    assert_4xx_page(&response);
}

#[test]
fn a_method_override_does_not_log_the_user_out() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.post("/logout", &[("_method", "get")]).assert_contains("Log out?");
    assert!(browser.is_logged_in());
    let response = browser.post("/logout", &[("_method", "delete")]);
    assert_eq!(response.status, Status::NotFound);
    assert!(browser.is_logged_in());
}

#[test]
fn ignores_and_removes_a_malformed_flash_cookie() {
    let app = App::new();
    for value in
        ["1:é", "", ":", "x:y", "99:short", "-1:a", "18446744073709551616:a", "é", "2:é", "3"]
    {
        let mut browser = app.browser();
        browser.cookies.insert("_flash".into(), Cookie::new("_flash", value));
        for path in ["/", "/nowhere"] {
            let response = browser.clone().get(path);
            assert!(response.status.code < 500, "{value:?}");
            assert_eq!(response.flashes(), [], "{value:?}");
        }
        browser.get("/");
        assert!(!browser.cookies.contains_key("_flash"), "{value:?}");
    }
}

#[test]
fn escapes_a_forged_flash_message_and_replaces_its_category() {
    let app = App::new();
    let mut browser = app.browser();
    let forged = Cookie::new("_flash", "11:\"><script>x<b>Send money</b>");
    browser.cookies.insert("_flash".into(), forged);
    let response = browser.get("/");
    response.assert_flashes("info", "&lt;b&gt;Send money&lt;/b&gt;");
    response.assert_lacks("<script>");
}

#[test]
fn a_request_with_a_forged_session_cookie_is_anonymous() {
    let app = App::new();
    let value = app.registered("ada").cookie().value().to_owned();
    let mut bytes = value.clone().into_bytes();
    bytes[20] = if bytes[20] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(bytes).unwrap();
    let from_another_app = App::new().registered("ada").cookie().value().to_owned();
    for value in [&tampered, &value[1..], &value[..40], "", "é", &from_another_app] {
        let mut browser = app.browser();
        browser.cookies.insert("login".into(), Cookie::new("login", value.to_owned()));
        browser.get("/").assert_contains("href=\"/login\"");
        assert_eq!(browser.get("/dashboard").location(), "/login?next=/dashboard");
        assert_eq!(browser.log_in("ada").location(), "/dashboard");
    }
}

#[test]
fn ignores_a_session_cookie_under_another_name() {
    let app = App::new();
    let value = app.registered("ada").cookie().value().to_owned();
    for name in ["_flash", "session", "__Host-login"] {
        let mut browser = app.browser();
        browser.cookies.insert(name.into(), Cookie::new(name, value.clone()));
        assert!(!browser.is_logged_in());
    }
}
