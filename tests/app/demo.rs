//! The demo: the panel, the flight plan, and what they must not show.

use rocket::http::Status;
use rocket::serde::json::{self, Value};
use sha2::{Digest, Sha256};

use crate::support::*;

/// Builds an app that shows the demo, as a debug run does.
fn demo_app() -> App {
    App::configured("[debug]\ndemo = true")
}

impl Response {
    /// Returns the panel as text, without tags.
    fn panel(&self) -> String {
        let panel = self.body.split("<aside class=\"inside\"").nth(1);
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

    /// Returns the titles of the steps that the flight plan shows as done.
    fn done(&self) -> Vec<&str> {
        let steps = self.body.split("<li class=\"done\">").skip(1);
        steps.map(|step| step.split(['>', '<']).nth(2).unwrap().trim()).collect()
    }
}

#[test]
fn pages_show_no_demo_unless_the_setting_is_true() {
    for app in [App::configured("[debug]\ndemo = false"), release("")] {
        let mut browser = app.registered("ada");
        for path in ["/", "/dashboard", "/nowhere"] {
            browser.get(path).assert_lacks("What just happened");
            browser.get(path).assert_lacks("flight plan");
            browser.get(path).assert_lacks("demo.js");
        }
        assert_eq!(browser.post("/demo/phone", &[]).status, Status::NotFound);
        assert!(!browser.cookies.contains_key("demo"));
    }
    let app = release("demo = true");
    app.browser().get("/").assert_contains("What just happened");
}

fn release(toml: &str) -> App {
    App::release(&format!("secret_key = \"{}\"\n{toml}", "aGVsbG8g".repeat(6)))
}

#[test]
fn rocket_toml_shows_the_demo_in_debug_runs_only() {
    use rocket::figment::{Figment, providers::Format, providers::Toml};
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
        "The guard FreshUser let the request in: src/routes/password.rs:",
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
    browser.get("/").assert_panel_contains(&["GET / → 200", "No guard protects this handler"]);
    browser
        .get("/nowhere")
        .assert_panel_contains(&["GET /nowhere → 404", "No handler has this address."]);
}

#[test]
fn the_panel_shows_the_handler_of_every_page() {
    let app = demo_app();
    for route in app.client().rocket().routes() {
        let name = route.name.as_deref().unwrap_or_default();
        if name.starts_with("FileServer") || name == "blocked" {
            continue;
        }
        let source = std::fs::read_dir("src/routes").unwrap().map(|entry| entry.unwrap().path());
        let sources = source.chain(["src/demo/flight_plan.rs".into()]);
        let attribute = format!("#[{}(\"{}\"", route.method.as_str().to_lowercase(), route.uri);
        let count = sources
            .filter(|path| std::fs::read_to_string(path).unwrap().contains(&attribute))
            .count();
        assert_eq!(count, 1, "{attribute} is not in the sources that the panel reads");
    }
}

#[test]
fn the_panel_shows_the_chain_of_redirects_that_led_to_a_page_once() {
    let app = demo_app();
    let mut browser = app.browser();
    let redirect = browser.get("/dashboard");
    let page = browser.follow(redirect);
    page.assert_panel_contains(&[
        "GET /dashboard → 303 → /login?next=/dashboard",
        "The guard RequiredUser rejected the request, so the handler did not run",
        "GET /login?next=/dashboard → 200",
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
        "async fn log_in(",
        "GET /dashboard → 200",
        "POST /login, step by step",
        "FROM users WHERE",
        "Username found",
        "Rate limit passed",
        "Argon2id done",
        " ms",
        "Password correct",
        "Session a new row",
        "INSERT INTO sessions",
        r#""event":"logged_in","user":1"#,
        "GET /dashboard, step by step",
        "INNER JOIN users",
    ]);
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
        "Username not found: dummy hash",
        "Rate limit passed",
        "Argon2id done",
        "Password wrong",
        r#""reason":"unknown_username""#,
    ]);
    assert!(!unknown.panel().contains("Session a new row"));
    fail(&mut browser, "ada").assert_panel_contains(&["Username found", "Password wrong"]);
    for _ in 0..10 {
        fail(&mut browser, "ada");
    }
    let throttled = fail(&mut browser, "ada");
    throttled.assert_panel_contains(&["POST /login → 429", "Rate limit too many attempts: wait"]);
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
        "Authenticated17 March 2030, 17:46 UTC",
        "Expires18 March 2030, 05:46 UTC",
        "Rememberedno",
        "the same as now",
        "Attributes: HttpOnly; SameSite=Lax; Path=/",
        "found the row",
        "token_hash",
        "user_id1",
        "created_at17 March 2030, 17:46 UTC",
    ]);
    browser.user_agent = "another browser";
    browser.get("/dashboard").assert_panel_contains(&["not the same as now"]);
    app.sql("DELETE FROM sessions");
    browser
        .get("/")
        .assert_panel_contains(&["None. The server hashed the token, and no row has the hash"]);
    app.browser().get("/").assert_panel_contains(&["The browser sent no session cookie"]);
    browser.cookies.get_mut("login").unwrap().set_value("forged");
    browser.get("/").assert_panel_contains(&["this server can’t decrypt"]);
}

#[test]
fn the_panel_of_another_visitor_shows_nothing_of_a_request() {
    let app = demo_app();
    let mut browser = app.browser();
    browser.log_in("ada");
    browser.post("/register", &[("username", "ada"), ("password", PASSWORD)]);
    let page = app.browser().get("/dashboard");
    assert_eq!(page.status, Status::SeeOther);
    let panel = app.browser().get("/login").panel();
    assert!(!panel.contains("register") && !panel.contains("ada"), "{panel}");
}

#[test]
fn no_page_of_the_flow_shows_a_password_token_hash_or_key() {
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
    assert!(browser.get("/").done().is_empty());
    browser.get("/dashboard");
    let form = [("username", "ada"), ("password", PASSWORD)];
    browser.post("/register", &form);
    let mut done = vec!["Open a protected page", "Register"];
    assert_eq!(browser.get("/").done(), done);

    browser.post("/logout", &[]);
    browser.post("/login", &form);
    done.push("Log out, and log in again");
    assert_eq!(browser.get("/").done(), done);

    let redirect = browser.post("/demo/phone", &[]);
    let account = browser.follow(redirect);
    account.assert_contains("Firefox on Android");
    let revoke = account.body.split("action=\"").find(|part| part.contains("/revoke\"")).unwrap();
    browser.post(revoke.split('"').next().unwrap(), &[]).location();
    done.push("Log out another device");
    assert_eq!(browser.get("/").done(), done);

    browser.post("/demo/age", &[]);
    assert_eq!(
        browser.get("/account/password").location(),
        "/reauthenticate?next=/account/password"
    );
    browser.post("/reauthenticate", &[("password", PASSWORD)]).location();
    done.push("Confirm it’s you");
    assert_eq!(browser.get("/").done(), done);

    browser.post("/demo/copy", &[]);
    browser.post("/logout", &[]);
    assert!(!browser.cookies.contains_key("login"));
    assert_eq!(browser.post("/demo/put-back", &[]).location(), "/dashboard");
    assert!(browser.cookies.contains_key("login") && !browser.cookies.contains_key("demo_copy"));
    let redirect = browser.get("/dashboard");
    browser.follow(redirect).assert_panel_contains(&[
        "POST /demo/put-back → 303 → /dashboard",
        "GET /dashboard → 303 → /login?next=/dashboard",
        "None. The server hashed the token, and no row has the hash",
    ]);
    done.push("Play the thief");
    assert_eq!(browser.get("/").done(), done);
}

#[test]
fn a_copied_cookie_that_is_put_back_before_the_logout_still_works() {
    let app = demo_app();
    let mut browser = app.registered("ada");
    browser.post("/demo/copy", &[]);
    browser.post("/demo/put-back", &[]);
    assert!(browser.is_logged_in());
    assert!(!browser.get("/").done().contains(&"Play the thief"));
}

#[test]
fn the_demo_sets_its_cookie_only_with_a_redirect_and_never_for_api_clients() {
    let app = demo_app();
    let mut browser = app.browser();
    for path in ["/", "/login", "/nowhere"] {
        browser.get(path).assert_sets_no_cookie();
    }
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
    let mut first = app.browser();
    first.get("/dashboard");
    for _ in 0..100 {
        app.browser().get("/dashboard");
    }
    assert!(!first.get("/login?next=/dashboard").panel().contains("303"));
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
