//! The demo: the panel, the flight plan, and what they must not show.

use app::EventLog;
use rocket::figment::providers::{Format, Toml};
use rocket::futures::future::join_all;
use rocket::http::{ContentType, Method, Status};
use rocket::local::asynchronous::Client;
use rocket::serde::json::{self, Value};
use rocket_login::Clock;
use sha2::{Digest, Sha256};

use crate::support::*;

/// Builds an app that shows the demo, as a debug run does.
fn demo_app() -> App {
    App::configured("[debug]\ndemo = true")
}

impl Response {
    /// Returns the panel as text, without tags.
    fn panel(&self) -> String {
        let panel = self.body.split("<aside class=\"panel\"").nth(1);
        let mut text = String::new();
        for part in panel.unwrap_or_else(|| panic!("no panel: {}", self.body)).split('<') {
            text += part.split_once('>').map_or("", |(_, text)| text);
        }
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#x27;", "'")
    }

    #[track_caller]
    fn assert_panel_contains(&self, texts: &[&str]) {
        let panel = self.panel();
        let mut rest = panel.as_str();
        for text in texts {
            let Some(index) = rest.find(text) else {
                panic!("{text:?} is not here, or not in this order:\n{panel}")
            };
            rest = &rest[index + text.len()..];
        }
    }

    /// Follows this redirect with `browser`, and returns the panel of the page.
    fn panel_of_next_page(self, browser: &mut Browser<'_>) -> String {
        browser.follow(self).panel()
    }

    /// Returns the titles of the steps that the flight plan shows as done.
    fn completed_steps(&self) -> Vec<&str> {
        let steps = self.body.split("class=\"done\">").skip(1);
        steps.map(|step| step.split(['>', '<']).nth(2).unwrap().trim()).collect()
    }
}

#[test]
fn pages_show_no_demo_unless_the_setting_is_true() {
    for app in [App::configured("[debug]\ndemo = false"), release_app("")] {
        let mut browser = app.registered("ada");
        for path in ["/", "/dashboard", "/nowhere"] {
            browser.get(path).assert_lacks("What just happened");
            browser.get(path).assert_lacks("flight plan");
            browser.get(path).assert_lacks("demo.js");
        }
        assert_eq!(browser.post("/demo/phone", &[]).status, Status::NotFound);
        assert!(!browser.cookies.contains_key("demo"));
    }
    let app = release_app("demo = true");
    app.browser().get("/").assert_contains("What just happened");
}

fn release_app(toml: &str) -> App {
    App::release(&format!("secret_key = \"{}\"\n{toml}", "aGVsbG8g".repeat(6)))
}

#[test]
fn rocket_toml_shows_the_demo_in_debug_runs_only() {
    use rocket::figment::Figment;
    let toml = Toml::file(concat!(env!("CARGO_MANIFEST_DIR"), "/Rocket.toml")).nested();
    let figment = Figment::from(toml);
    assert_eq!(figment.clone().select("debug").extract_inner::<bool>("demo").ok(), Some(true));
    assert!(figment.select("release").find_value("demo").is_err());
}

#[test]
fn the_panel_shows_the_guard_that_let_a_request_in() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    let panel = browser.get("/account/password");
    panel.assert_contains(
        "#[get(&quot;/account/password&quot;)]\nfn password_form(_user: <mark>FreshUser</mark>) -&gt; Page",
    );
    panel.assert_panel_contains(&[
        "GET /account/password → 200",
        "FreshUser accepted GET /account/password: src/routes/password.rs:",
    ]);
    let line = panel
        .panel()
        .split("password.rs:")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .map(str::to_owned);
    let source = std::fs::read_to_string("src/routes/password.rs").unwrap();
    let line: usize = line.unwrap().parse().unwrap();
    assert_eq!(source.lines().nth(line - 1), Some("#[get(\"/account/password\")]"));
    browser.get("/").assert_panel_contains(&["GET / → 200", "Public: GET / needs no login:"]);
    browser
        .get("/nowhere")
        .assert_panel_contains(&["GET /nowhere → 404", "No route matches GET /nowhere."]);
}

#[test]
fn the_panel_shows_the_handler_and_the_guard_of_every_page() {
    let app = demo_app();
    let mut user = app.registered("ada");
    let mut anonymous = app.browser();
    for (path, handler, guard) in [
        ("/", "fn home(", None),
        ("/login", "fn login_form(", None),
        ("/register", "fn register_form(", None),
        ("/logout", "fn logout_form(", None),
        ("/dashboard", "fn dashboard(", Some("RequiredUser")),
        ("/account", "fn account(", Some("RequiredUser")),
        ("/account/password", "fn password_form(", Some("FreshUser")),
        ("/reauthenticate", "fn reauthenticate_form(", Some("RequiredUser")),
    ] {
        let browser = if guard.is_some() { &mut user } else { &mut anonymous };
        let page = browser.get(path);
        let sentence = match guard {
            Some(guard) => format!("{guard} accepted GET {path}: src/routes/"),
            None => format!("Public: GET {path} needs no login: src/routes/"),
        };
        page.assert_panel_contains(&[handler, &sentence]);
        assert_eq!(page.body.contains("<mark>"), guard.is_some(), "{path}");
    }
    for (path, handler) in [
        ("/account/sessions/revoke-others", "fn revoke_others("),
        ("/account/password", "fn change_password("),
        ("/reauthenticate", "fn reauthenticate("),
        ("/demo/phone", "fn log_in_from_phone("),
    ] {
        let form = [("password", PASSWORD), ("new_password", "a different horse altogether")];
        let mut response = user.post(path, &form);
        while response.status == Status::SeeOther {
            response = user.follow(response);
        }
        response.assert_panel_contains(&[handler, &format!("accepted POST {path}: src/")]);
    }
}

#[test]
fn the_panel_does_not_say_that_a_guard_let_a_failed_request_in() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    for path in ["/account/sessions/1000/revoke", "/account/sessions/no-number/revoke"] {
        let page = browser.post(path, &[]);
        assert!(page.status.class().is_client_error(), "{}", page.status);
        let panel = page.panel();
        assert!(!panel.contains("accepted") && !panel.contains("rejected"), "{panel}");
        page.assert_panel_contains(&["fn revoke(", "or one of its guards failed for POST"]);
    }
}

#[test]
fn the_panel_shows_why_a_cross_site_request_was_blocked() {
    let app = demo_app();
    let page = app.browser().post_with("/logout", ("Sec-Fetch-Site", "cross-site"), &[]);
    page.assert_panel_contains(&[
        "The form was sent from another site",
        "Origin Sec-Fetch-Site: cross-site",
        r#""event":"cross_site_blocked""#,
    ]);
    let page = app.browser().get("/login");
    assert!(!page.panel().contains("Sec-Fetch-Site"));
}

#[test]
fn the_panel_shows_the_chain_of_redirects_that_led_to_a_page_once() {
    let app = demo_app();
    let mut browser = app.browser();
    let redirect = browser.get("/dashboard");
    let page = browser.follow(redirect);
    page.assert_panel_contains(&[
        "GET /dashboard → 303 → /login?next=/dashboard",
        "GET /login?next=/dashboard → 200",
        "RequiredUser rejected GET /dashboard, so the handler did not run",
    ]);
    assert!(!browser.get("/login?next=/dashboard").panel().contains("303"));
}

#[test]
fn the_panel_shows_a_redirect_only_on_the_page_to_which_it_led() {
    let app = demo_app();
    let mut browser = app.browser();
    browser.get("/dashboard");
    assert!(!browser.get("/register").panel().contains("303"));
    let mut other = app.browser();
    other.get("/dashboard");
    browser.get("/login?next=/dashboard").assert_panel_contains(&["303"]);
    assert!(!app.browser().get("/login?next=/dashboard").panel().contains("303"));
}

#[test]
fn the_panel_shows_what_a_login_checked_in_order() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    browser.post("/logout", &[]);
    let redirect = browser.log_in("ada");
    browser.follow(redirect).assert_panel_contains(&[
        "POST /login → 303 → /dashboard",
        "GET /dashboard → 200",
        "async fn log_in(",
        "POST /login, step by step",
        "Username found",
        "Rate limit passed",
        "Argon2id with the user's hash",
        " ms",
        "Password correct",
        "Session row inserted",
        "Set-Cookie login=…; HttpOnly; SameSite=Lax; Path=/",
        r#""event":"logged_in","user":1"#,
        "Redirected to /dashboard",
        "FROM users WHERE",
        "INSERT INTO sessions",
        "GET /dashboard, step by step",
        "Rendered this page",
        "1 query",
        "INNER JOIN users",
    ]);
}

#[test]
fn the_panel_shows_that_a_logout_deletes_the_row() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    let redirect = browser.post("/logout", &[]);
    browser.follow(redirect).assert_panel_contains(&[
        "POST /logout, step by step",
        "Session row deleted",
        "Set-Cookie removes login",
        r#""event":"logged_out""#,
    ]);
    let redirect = browser.post("/logout", &[]);
    assert!(!browser.follow(redirect).panel().contains("Session row deleted"));
    browser.log_in("ada");
    browser.post("/demo/phone", &[]);
    let redirect = browser.post("/account/sessions/revoke-others", &[]);
    browser.follow(redirect).assert_panel_contains(&["Other sessions rows deleted"]);
    let redirect = browser.post("/account/sessions/revoke-others", &[]);
    browser.follow(redirect).assert_panel_contains(&["Other sessions no rows to delete"]);
}

#[test]
fn the_panel_shows_where_a_failed_login_stopped() {
    let app = demo_app();
    app.registered("ada");
    let mut browser = app.browser();
    let fail = |browser: &mut Browser<'_>, name| {
        browser.post("/login", &[("username", name), ("password", "wrong")])
    };
    let unknown = fail(&mut browser, "grace");
    unknown.assert_panel_contains(&[
        "POST /login → 422",
        "Username not found",
        "Rate limit passed",
        "Argon2id with a dummy hash",
        "Password not accepted",
        r#""reason":"unknown_username""#,
    ]);
    assert!(!unknown.panel().contains("Session row inserted"));
    fail(&mut browser, "ada").assert_panel_contains(&["Username found", "Password not accepted"]);
    for _ in 0..10 {
        fail(&mut browser, "ada");
    }
    let throttled = fail(&mut browser, "ada");
    throttled.assert_panel_contains(&["POST /login → 429", "Rate limit not passed"]);
    assert!(!throttled.panel().contains("Argon2id"));
}

#[test]
fn the_panel_shows_the_validation_errors_of_a_form() {
    let app = demo_app();
    let page = app.browser().post("/register", &[("username", "a"), ("password", "short")]);
    page.assert_panel_contains(&["POST /register → 422", "Validation username: Use 3 to 64"]);
    assert!(!page.panel().contains("short"));
}

#[test]
fn the_panel_shows_the_content_of_the_session_cookie_and_its_row() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    browser.get("/dashboard").assert_panel_contains(&[
        "The browser sent the cookie login",
        "Authenticatedby password, 17 March 2030, 17:46 UTC",
        "Expires18 March 2030, 05:46 UTC",
        "Rememberedno",
        "which matches this request",
        "Attributes: HttpOnly; SameSite=Lax; Path=/",
        "found this row. The row belongs to ada",
        "token_hash",
        "user_id1",
        "created_at17 March 2030, 17:46 UTC",
    ]);
    browser.user_agent = "another browser";
    browser.get("/dashboard").assert_panel_contains(&["which does not match this request"]);
    app.sql("DELETE FROM sessions");
    browser.get("/").assert_panel_contains(&[
        "None. The server hashed the token from the cookie, but no row has the hash",
    ]);
    app.browser().get("/").assert_panel_contains(&["The browser sent no session cookie"]);
    browser.cookies.get_mut("login").unwrap().set_value("forged");
    browser.get("/").assert_panel_contains(&["the server can’t decrypt or read"]);
}

#[test]
fn the_panel_does_not_show_the_requests_of_other_visitors() {
    let app = demo_app();
    let (mut ada, mut grace) = (app.registered("ada"), app.browser());
    grace.get("/dashboard");
    ada.post("/account/sessions/revoke-others", &[]).location();
    let panel = grace.get("/account").panel_of_next_page(&mut grace);
    assert!(!panel.contains("revoke-others"), "{panel}");
    ada.get("/account").assert_panel_contains(&["POST /account/sessions/revoke-others → 303"]);
}

#[test]
fn pages_show_the_panel_for_malformed_cookies() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    for content in ["{}", "[]", "x", r#"{"id":1}"#, r#"{"id":"a","expires":"b"}"#] {
        let request = app.client().get("/").private_cookie(("login", content));
        let page = request.dispatch().into_string().unwrap();
        assert!(page.contains("the server can’t decrypt or read"), "{content}: {page}");
    }
    for cookie in ["", "x", "0123456789abcdef0123456789abcdef.<script>", &"é".repeat(16)] {
        browser.cookies.insert("demo".to_owned(), ("demo", cookie.to_owned()).into());
        browser.get("/").assert_panel_contains(&["GET / → 200"]);
        browser.get("/").assert_lacks("<script>");
    }
}

#[test]
fn the_panel_shows_that_the_session_of_a_row_has_expired() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    app.advance(3 * 60 * 60);
    let page = browser.get("/");
    page.assert_panel_contains(&["found this row", "The session has expired", "token_hash"]);
    assert!(!page.panel().contains("match"), "{}", page.panel());
}

#[test]
fn the_panel_shows_whether_a_session_is_remembered() {
    let app = demo_app();
    app.registered("ada");
    let mut browser = app.browser();
    browser.log_in_remembered("ada");
    browser.get("/dashboard").assert_panel_contains(&[
        "Set-Cookie login=…; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000; Expires=",
    ]);
    browser.get("/").assert_panel_contains(&["Rememberedyes", "Path=/; Max-Age=…"]);
}

#[test]
fn the_panel_shows_failed_queries() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    app.fail("INSERT ON sessions");
    let page = browser.post("/demo/phone", &[]);
    assert_eq!(page.status, Status::ServiceUnavailable);
    page.assert_panel_contains(&["INSERT INTO sessions", " ms, failed"]);
    assert!(!page.panel().contains("Session row inserted"));
}

#[test]
fn pages_never_show_passwords_tokens_hashes_or_keys() {
    let app = demo_app();
    let mut browser = app.browser();
    let mut pages = Vec::new();
    let mut visit = |browser: &mut Browser<'_>, mut response: Response| {
        while response.status == Status::SeeOther {
            response = browser.follow(response);
        }
        pages.push(response.body);
    };
    let new_password = "a different horse altogether";
    let form = [("username", "ada"), ("password", PASSWORD)];
    let mut secrets = vec![PASSWORD.to_owned(), new_password.to_owned(), "$argon2".to_owned()];
    for (path, form) in [
        ("/register", &form[..]),
        ("/demo/phone", &[]),
        ("/demo/age", &[]),
        ("/reauthenticate", &[("password", PASSWORD)]),
        ("/account/password", &[("new_password", new_password)]),
        ("/account/sessions/revoke-others", &[]),
        ("/demo/copy", &[]),
        ("/logout", &[]),
        ("/login", &form[..]),
        ("/login", &[("username", "ada"), ("password", new_password)]),
        ("/logout", &[]),
        ("/demo/put-back", &[]),
    ] {
        let response = browser.post(path, form);
        visit(&mut browser, response);
        for path in ["/", "/dashboard", "/account", "/login", "/nowhere"] {
            let response = browser.get(path);
            visit(&mut browser, response);
        }
        for name in ["login", "demo_copy", "device"] {
            let cookie = browser.cookies.get(name);
            secrets.extend(cookie.map(|cookie| cookie.value().to_owned()));
        }
        if let Some(cookie) = browser.cookies.get("login") {
            let request = app.client().get("/").cookie(cookie.clone());
            let content = request.inner().cookies().get_private("login").unwrap();
            let content: Value = json::from_str(content.value()).unwrap();
            let token = content["id"].as_str().unwrap().to_owned();
            let hash = Sha256::digest(&token);
            secrets.push(hash.iter().map(|byte| format!("{byte:02x}")).collect());
            secrets.push(token);
        }
    }
    let data_dir: String = app.client().rocket().figment().extract_inner("data_dir").unwrap();
    let key = std::fs::read_to_string(format!("{data_dir}/secret_key")).unwrap();
    secrets.push(key.trim().to_owned());
    assert!(secrets.len() > 40, "{secrets:?}");
    for page in pages {
        for secret in &secrets {
            assert!(!page.contains(secret.as_str()), "{secret} is in this page:\n{page}");
        }
    }
}

#[test]
fn a_visitor_can_complete_the_flight_plan_as_written() {
    let app = demo_app();
    let mut browser = app.browser();
    assert!(browser.get("/").completed_steps().is_empty());
    browser.get("/dashboard");
    let form = [("username", "ada"), ("password", PASSWORD)];
    browser.post("/register", &form);
    let mut done = vec!["Open a protected page", "Register"];
    assert_eq!(browser.get("/").completed_steps(), done);

    browser.post("/logout", &[]);
    browser.post("/login", &form);
    done.push("Log out, and log in again");
    assert_eq!(browser.get("/").completed_steps(), done);

    let redirect = browser.post("/demo/phone", &[]);
    let account = browser.follow(redirect);
    account.assert_contains("Firefox on Android");
    let revoke = account.body.split("action=\"").find(|part| part.contains("/revoke\"")).unwrap();
    browser.post(revoke.split('"').next().unwrap(), &[]).location();
    done.push("Log out another device");
    assert_eq!(browser.get("/").completed_steps(), done);

    assert_eq!(browser.post("/demo/age", &[]).location(), "/account/password");
    assert_eq!(
        browser.get("/account/password").location(),
        "/reauthenticate?next=/account/password"
    );
    browser.post("/reauthenticate", &[("password", PASSWORD)]).location();
    done.push("Confirm it’s you");
    assert_eq!(browser.get("/").completed_steps(), done);

    browser.post("/demo/copy", &[]);
    browser.post("/logout", &[]);
    assert!(!browser.cookies.contains_key("login"));
    assert_eq!(browser.post("/demo/put-back", &[]).location(), "/dashboard");
    assert!(browser.cookies.contains_key("login") && !browser.cookies.contains_key("demo_copy"));
    let redirect = browser.get("/dashboard");
    let page = browser.follow(redirect);
    page.assert_panel_contains(&[
        "POST /demo/put-back → 303 → /dashboard",
        "GET /dashboard → 303 → /login?next=/dashboard",
        "None. The server hashed the token from the cookie, but no row has the hash",
    ]);
    let rejected = "The copied cookie was rejected";
    page.assert_contains(rejected);
    browser.get("/login").assert_lacks(rejected);
    browser.log_in("ada");
    browser.get("/").assert_lacks(rejected);
    done.push("Play the thief");
    assert_eq!(browser.get("/").completed_steps(), done);
}

#[test]
fn actions_in_another_order_complete_no_step() {
    let app = demo_app();
    let mut browser = app.browser();
    browser.post("/demo/put-back", &[]);
    browser.get("/dashboard");
    assert_eq!(browser.get("/").completed_steps(), ["Open a protected page"]);
    let mut browser = app.registered("ada");
    browser.post("/account/sessions/revoke-others", &[]);
    browser.cookies.remove("login");
    browser.log_in("ada");
    app.sql("DELETE FROM sessions");
    browser.get("/dashboard");
    assert_eq!(browser.get("/").completed_steps(), ["Open a protected page", "Register"]);
    let mut browser = app.registered("grace");
    browser.post("/demo/put-back", &[]);
    app.sql("DELETE FROM sessions");
    browser.get("/dashboard");
    browser.cookies.insert("demo_copy".to_owned(), ("demo_copy", "forged").into());
    browser.post("/demo/put-back", &[]);
    browser.get("/dashboard");
    assert_eq!(browser.get("/").completed_steps(), ["Open a protected page", "Register"]);
}

#[test]
fn a_copied_cookie_that_is_put_back_before_the_logout_still_works() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    browser.post("/demo/copy", &[]);
    browser.post("/demo/put-back", &[]);
    assert!(browser.is_logged_in());
    assert!(!browser.get("/").completed_steps().contains(&"Play the thief"));
}

#[test]
fn the_demo_sets_its_cookie_only_with_a_redirect_and_never_for_api_clients() {
    let app = demo_app();
    let mut browser = app.browser();
    for path in ["/", "/login", "/nowhere"] {
        browser.get(path).assert_sets_no_cookie();
    }
    let form: &[u8] = &encode(&[("username", "ada"), ("password", PASSWORD)]);
    app.registered("ada");
    let accept = [("Accept", "application/json")];
    let login = browser.send(Method::Post, "/login", &accept, Some((ContentType::Form, form)));
    assert_eq!(login.status, Status::SeeOther);
    assert!(login.set_cookies().iter().all(|cookie| cookie.name() != "demo"));
    browser = app.browser();
    browser.get_json("/api/me").assert_sets_no_cookie();
    let redirect = browser.get("/dashboard");
    let cookies = redirect.set_cookies();
    let cookie = cookies.iter().find(|cookie| cookie.name() == "demo").unwrap();
    assert_eq!(
        (cookie.http_only(), cookie.max_age(), cookie.path()),
        (Some(true), None, Some("/"))
    );
}

#[test]
fn hides_the_password_check_of_throttled_attempts() {
    let app = demo_app();
    app.registered("ada");
    let form = [("username", "ada"), ("password", PASSWORD)];
    for _ in 0..10 {
        app.browser().post("/login", &[("username", "ada"), ("password", "wrong")]);
    }
    let panel = app.browser().post("/login", &form).panel();
    assert!(!panel.contains("Password"), "{panel}");
}

/// Of concurrent attempts, all pass the first check of the rate limit.
#[rocket::async_test]
async fn hides_the_password_check_of_throttled_concurrent_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let figment = figment(&dir).merge(Toml::string("[debug]\ndemo = true").nested());
    let rocket = app::build(figment, Clock::default(), log).unwrap();
    let client = Client::untracked(rocket).await.unwrap();
    let form = |password| encode(&[("username", "ada"), ("password", password)]);
    let registration = client.post("/register").header(ContentType::Form).body(form(PASSWORD));
    assert_eq!(registration.dispatch().await.status(), Status::SeeOther);
    let attempts = (0..30).map(async |number| {
        let form = form(if number == 29 { PASSWORD } else { "wrong" });
        let response = client.post("/login").header(ContentType::Form).body(form).dispatch().await;
        (response.status(), response.into_string().await.unwrap_or_default())
    });
    let mut throttled = 0;
    for (status, page) in join_all(attempts).await {
        // The correct password is usually throttled too. If it is verified early, the login succeeds.
        if status != Status::SeeOther {
            let is_throttled = status == Status::TooManyRequests;
            assert_eq!(page.contains("<b>Password</b>"), !is_throttled, "{page}");
            throttled += usize::from(is_throttled);
        }
    }
    assert!(throttled > 0);
}

#[test]
fn the_panel_shows_no_query_string_except_the_path_in_next() {
    let app = demo_app();
    let mut browser = app.browser();
    for path in [
        "/login?password=hidden",
        "/login?next=/a&token=hidden",
        "/login?next=/a?b=hidden",
        "/no?next=/a%3Fhidden",
    ] {
        let panel = browser.get(path).panel();
        assert!(!panel.contains("hidden"), "{path}: {panel}");
    }
    let redirect = browser.get("/dashboard?token=hidden");
    let page = browser.follow(redirect);
    page.assert_panel_contains(&["GET /dashboard → 303 → /login?next=…", "GET /login?next=…"]);
    assert!(!page.panel().contains("hidden"));
}

#[test]
fn making_a_login_stale_changes_only_the_time_of_the_authentication() {
    let app = demo_app();
    let mut browser = app.browser();
    browser.post("/register", &[("username", "ada"), ("password", PASSWORD)]);
    browser.post("/logout", &[]);
    browser.log_in_remembered("ada");
    app.events();
    let sessions =
        "SELECT max(id) * 1000000000000 + max(absolute_expires_at) AS number FROM sessions";
    let before = app.number(sessions);
    let aged = browser.post("/demo/age", &[]);
    assert_eq!(app.number(sessions), before);
    assert_eq!(app.events(), [] as [&str; 0]);
    let cookies = aged.set_cookies();
    assert!(cookies.iter().all(|cookie| cookie.name() != "device"));
    let cookie = cookies.iter().find(|cookie| cookie.name() == "login").unwrap();
    assert_eq!(
        (cookie.http_only(), cookie.same_site()),
        (Some(true), Some(rocket::http::SameSite::Lax))
    );
    assert_eq!(cookie.expires_datetime().unwrap().unix_timestamp(), START_TIME + 30 * 24 * 60 * 60);
    assert!(browser.is_logged_in());
    assert_eq!(
        browser.get("/account/password").location(),
        "/reauthenticate?next=/account/password"
    );
}

#[test]
fn demo_cookies_are_secure_host_cookies_over_https() {
    let app = App::configured("[debug]\ndemo = true\n[debug.login]\nsecure_cookies = true");
    let mut browser = app.registered("ada");
    let copied = browser.post("/demo/copy", &[]);
    for cookie in copied.set_cookies() {
        assert_eq!(cookie.secure(), Some(true), "{cookie}");
    }
    assert!(
        browser.cookies.contains_key("__Host-demo")
            && browser.cookies.contains_key("__Host-demo_copy")
    );
    let forged = ("demo_copy", "value");
    browser.cookies.remove("__Host-demo_copy");
    browser.cookies.insert("demo_copy".to_owned(), forged.into());
    let put_back = browser.post("/demo/put-back", &[]);
    assert!(put_back.set_cookies().iter().all(|cookie| cookie.name() != "__Host-login"));
}

#[test]
fn pages_show_the_panel_while_the_database_fails() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    app.sql("ALTER TABLE sessions RENAME TO renamed");
    let page = browser.get("/dashboard");
    assert_eq!(page.status, Status::ServiceUnavailable);
    page.assert_panel_contains(&[
        "GET /dashboard → 503",
        "Unknown, because the database is unavailable.",
    ]);
    page.assert_sets_no_cookie();
    assert!(!page.panel().contains("accepted"));
    app.sql("ALTER TABLE renamed RENAME TO sessions");
    assert!(browser.is_logged_in());
}

#[test]
fn keeps_redirects_for_5_minutes() {
    let app = demo_app();
    for (seconds, is_shown) in [(299, true), (300, false)] {
        let mut browser = app.browser();
        browser.get("/dashboard");
        app.advance(seconds);
        let panel = browser.get("/login?next=/dashboard").panel();
        assert_eq!(panel.contains("303"), is_shown, "after {seconds} seconds");
    }
}

#[test]
fn keeps_the_redirects_of_at_most_100_visitors() {
    let app = demo_app();
    let (mut first, mut second) = (app.browser(), app.browser());
    first.get("/dashboard");
    second.get("/dashboard");
    for _ in 0..99 {
        app.browser().get("/dashboard");
    }
    assert!(!first.get("/login?next=/dashboard").panel().contains("303"));
    assert!(second.get("/login?next=/dashboard").panel().contains("303"));
}

#[test]
fn anonymous_users_can_not_use_the_actions_of_the_flight_plan() {
    let app = demo_app();
    for path in ["/demo/phone", "/demo/age", "/demo/copy"] {
        assert!(app.browser().post(path, &[]).location().starts_with("/login"));
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM sessions"), 0);
}

#[test]
fn renders_pages_without_the_demo_templates() {
    let templates = tempfile::tempdir().unwrap();
    copy_templates(templates.path(), |name| !name.starts_with("demo"));
    let app = App::configured(&format!("[debug]\ntemplate_dir = {:?}", templates.path()));
    let mut browser = app.registered("ada");
    browser.get("/dashboard").assert_contains("Welcome, ada!");
}

#[test]
fn only_lib_rs_uses_the_demo() {
    for (file, code) in crate::architecture::sources("") {
        let allowed = if file == "lib.rs" { 1 } else { 0 };
        assert!(code.matches("demo::").count() <= allowed, "{file} uses the demo");
    }
}
