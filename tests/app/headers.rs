//! Headers and caching.

use rocket::http::{Method, SameSite};

use crate::support::*;

#[test]
fn every_response_has_the_security_headers() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for path in
        ["/", "/dashboard", "/nowhere", "/static/style.css", "/api/me", "/login", "/healthz"]
    {
        let response = browser.get(path);
        let header =
            |name| response.header(name).unwrap_or_else(|| panic!("{path} has no {name} header"));
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
        assert_eq!(response.header("strict-transport-security"), None);
    }
}

#[test]
fn pages_are_not_cached() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for path in ["/", "/dashboard", "/account", "/nowhere", "/static/nothing", "/api/me", "/login"]
    {
        assert_eq!(browser.get(path).header("cache-control"), Some("no-store"), "{path}");
    }
}

/// Returns the URL of the style sheet to which the home page links.
fn style_sheet_url(app: &App) -> String {
    let page = app.browser().get("/").body;
    let (_, rest) = page.split_once("<link rel=\"stylesheet\" href=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[test]
fn a_debug_run_makes_browsers_revalidate_static_files() {
    let app = App::new();
    let response = app.browser().get(&style_sheet_url(&app));
    assert_eq!(response.header("cache-control"), Some("public, max-age=0, must-revalidate"));
}

#[test]
fn a_release_run_gives_each_version_of_a_static_file_its_own_url() {
    let static_dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(static_dir.path().join("img")).unwrap();
    std::fs::write(static_dir.path().join("img/logo.svg"), "<svg/>").unwrap();
    let url_for = |css: &str| {
        std::fs::write(static_dir.path().join("style.css"), css).unwrap();
        let key = "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=";
        let dir = static_dir.path();
        let app = App::release(&format!("secret_key = {key:?}\nstatic_dir = {dir:?}"));
        let url = style_sheet_url(&app);
        let cache_control = |url: &str| {
            let response = app.browser().get(url);
            assert_eq!(response.status.code, 200, "{url}");
            response.header("cache-control").unwrap().to_owned()
        };
        assert_eq!(app.browser().get(&url).body, css);
        assert_eq!(cache_control(&url), "public, max-age=31536000, immutable");
        for path in ["/static/style.css", "/static/style.css?v=0000", "/static/img/logo.svg"] {
            assert_eq!(cache_control(path), "public, max-age=3600");
        }
        url
    };
    let url = url_for("a{}");
    assert_ne!(url, url_for("b{}"));
    assert_eq!(url, url_for("a{}"));
}

#[test]
fn a_handler_can_set_its_own_cache_control() {
    #[derive(rocket::Responder)]
    struct Cached(&'static str, rocket::http::Header<'static>);

    #[rocket::get("/cached")]
    fn cached() -> Cached {
        Cached("news", rocket::http::Header::new("Cache-Control", "public, max-age=300"))
    }

    let app = App::with(|rocket| rocket.mount("/", rocket::routes![cached]));
    let response = app.browser().get("/cached");
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
}

#[test]
fn no_page_has_inline_code_or_external_urls() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.browser().log_in("ada");
    for path in ["/", "/dashboard", "/account", "/account/password", "/logout", "/nowhere"] {
        let page = browser.get(path);
        for forbidden in ["<script>", "<style", " style=", " onclick=", "javascript:", "=\"http"] {
            page.assert_lacks(forbidden);
        }
    }
}

#[test]
fn sends_secure_cookies_and_hsts_behind_an_https_proxy() {
    let app = App::configured("[debug.login]\nsecure_cookies = true");
    let mut browser = app.registered("ada");
    for (name, same_site) in [("__Host-login", SameSite::Lax), ("__Host-device", SameSite::Strict)]
    {
        let cookie = &browser.cookies[name];
        assert_eq!(cookie.secure(), Some(true), "{name}");
        assert_eq!(cookie.http_only(), Some(true), "{name}");
        assert_eq!(cookie.same_site(), Some(same_site), "{name}");
        assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None), "{name}");
    }
    let page = browser.get("/dashboard");
    page.assert_contains("Welcome, ada!");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    let logged_out = browser.post("/logout", &[]);
    assert!(logged_out.set_cookies().iter().any(|cookie| cookie.name() == "_flash"));
    for cookie in logged_out.set_cookies() {
        assert_eq!(cookie.secure(), Some(true), "{cookie}");
    }
    let removal = logged_out.headers.iter().find(|(_, value)| value.starts_with("__Host-login=;"));
    let (_, removal) = removal.expect("the response does not remove the session cookie");
    assert!(removal.contains("Secure") && removal.contains("Path=/"), "{removal}");
}

#[test]
fn no_response_allows_cross_origin_reads() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let origin = [("Origin", "http://evil.example"), ("Accept", "application/json")];
    for path in ["/api/me", "/", "/account", "/static/style.css", "/healthz", "/nowhere"] {
        for method in [Method::Get, Method::Options] {
            let response = browser.send(method, path, &origin, None);
            let mut names = response.headers.iter().map(|(name, _)| name);
            assert!(!names.any(|name| name.starts_with("access-control")), "{method} {path}");
        }
    }
}
