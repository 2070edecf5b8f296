//! What every answer tells the browser.

use rocket::http::SameSite;

use crate::support::*;

#[test]
fn every_answer_carries_the_headers_whatever_it_is() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for path in
        ["/", "/dashboard", "/nowhere", "/static/style.css", "/api/me", "/login", "/healthz"]
    {
        let answer = browser.get(path);
        let header = |name| answer.header(name).unwrap_or_else(|| panic!("{path} lacks {name}"));
        let csp = header("content-security-policy");
        for directive in [
            "default-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(csp.contains(directive), "{csp}");
        }
        assert!(!csp.contains("unsafe-inline"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("strict-transport-security"), None);
    }
}

#[test]
fn pages_are_not_kept_and_files_are() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for path in ["/", "/dashboard", "/account", "/nowhere", "/static/nothing", "/api/me", "/login"]
    {
        assert_eq!(browser.get(path).header("cache-control"), Some("no-store"), "{path}");
    }
    let file = browser.get("/static/style.css");
    assert_eq!(file.header("cache-control"), Some("public, max-age=3600"));
}

#[test]
fn no_page_needs_what_the_policy_forbids() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.browser().log_in("ada");
    for path in ["/", "/dashboard", "/account", "/account/password", "/logout", "/nowhere"] {
        let page = browser.get(path);
        for inline in ["<script>", "<style", " style=", " onclick=", "javascript:", "=\"http"] {
            page.hides(inline);
        }
    }
}

#[test]
fn behind_a_proxy_with_https_cookies_are_secure_and_browsers_are_told_to_stay() {
    let app = App::configured("[debug.login]\nsecure_cookies = true");
    let mut browser = app.registered("ada");
    let cookie = browser.cookies["__Host-login"].clone();
    assert_eq!(cookie.secure(), Some(true));
    assert_eq!(cookie.http_only(), Some(true));
    assert_eq!(cookie.same_site(), Some(SameSite::Lax));
    assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
    let page = browser.get("/dashboard");
    page.shows("Welcome, ada!");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    let out = browser.post("/logout", &[]);
    assert!(out.set_cookies().iter().any(|cookie| cookie.name() == "_flash"));
    for cookie in out.set_cookies() {
        assert_eq!(cookie.secure(), Some(true), "{cookie}");
    }
    let removal = out.headers.iter().find(|(_, value)| value.starts_with("__Host-login=;"));
    let (_, removal) = removal.expect("the cookie is taken back");
    assert!(removal.contains("Secure") && removal.contains("Path=/"), "{removal}");
}

#[test]
fn no_answer_is_for_other_sites() {
    let app = App::new();
    let origin = [("Origin", "http://evil.example"), ("Accept", "application/json")];
    let answer = app.registered("ada").send(rocket::http::Method::Get, "/api/me", &origin, None);
    assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control")));
}
