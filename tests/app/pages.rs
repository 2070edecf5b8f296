//! Page content.

use rocket::http::Status;

use crate::support::*;

#[test]
fn the_home_page_greets_users_and_offers_login_to_anonymous_users() {
    let app = App::new();
    let page = app.browser().get("/");
    page.assert_contains("href=\"/login\"");
    page.assert_contains("href=\"/register\"");
    app.registered("ada").get("/").assert_contains("Welcome, ada");
}

#[test]
fn escapes_usernames_in_pages() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("UPDATE users SET username = '<script>alert(1)</script>'");
    for path in ["/", "/dashboard", "/account", "/account/password", "/reauthenticate", "/nowhere"]
    {
        let page = browser.get(path);
        page.assert_contains("&lt;script&gt;alert(1)&lt;/script&gt;");
        page.assert_lacks("<script>");
        page.assert_lacks("$argon2");
    }
    let form = [("username", "<script>alert(1)</script>"), ("password", PASSWORD)];
    app.browser().post("/login", &form).assert_lacks("<script>");
}

#[test]
fn the_account_page_shows_only_the_current_user() {
    let app = App::new();
    app.registered("grace");
    let page = app.registered("ada").get("/account");
    page.assert_contains("<dd>ada</dd>");
    page.assert_lacks("grace");
}

#[test]
fn the_dashboard_shows_whether_the_session_is_remembered() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.get("/dashboard").assert_contains("No. It ends when the browser closes.");
    browser.post("/logout", &[]);
    browser.log_in_remembered("ada");
    browser.get("/dashboard").assert_contains("Yes, also after the browser closes");
}

#[test]
fn api_me_returns_only_the_id_and_the_username() {
    let app = App::new();
    let response = app.registered("ada").get("/api/me");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.body, r#"{"id":1,"username":"ada"}"#);
}

#[test]
fn healthz_returns_ok() {
    let app = App::new();
    let response = app.browser().get("/healthz");
    assert_eq!((response.status, response.body.as_str()), (Status::Ok, "ok"));
    let response = app.browser().get("/healthz/live");
    assert_eq!((response.status, response.body.as_str()), (Status::Ok, "alive"));
}

#[test]
fn serves_the_style_sheet_and_the_script() {
    let app = App::new();
    for (path, content_type) in [("style.css", "text/css"), ("site.js", "text/javascript")] {
        let response = app.browser().get(&format!("/static/{path}"));
        assert_eq!(response.status, Status::Ok);
        assert!(response.header("content-type").unwrap().starts_with(content_type));
    }
}

#[test]
fn every_page_has_a_logout_button() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for path in ["/", "/dashboard", "/account", "/account/password", "/reauthenticate", "/nowhere"]
    {
        browser.get(path).assert_contains("<form method=\"post\" action=\"/logout\"><button");
    }
}

#[test]
fn forms_work_with_password_managers() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for (page, name, autocomplete) in [
        (app.browser().get("/login"), "password", "current-password"),
        (app.browser().get("/register"), "password", "new-password"),
        (browser.get("/reauthenticate"), "password", "current-password"),
        (browser.get("/account/password"), "new_password", "new-password"),
    ] {
        page.assert_contains(&format!(
            "name=\"{name}\" type=\"password\" autocomplete=\"{autocomplete}\""
        ));
        page.assert_contains("autocomplete=\"username\"");
        page.assert_contains(&format!("<label for=\"{name}\">"));
        page.assert_lacks("onpaste");
    }
}

#[test]
fn forbidden_and_cross_site_requests_get_different_403_pages() {
    #[rocket::get("/forbidden")]
    fn forbidden() -> Status {
        Status::Forbidden
    }

    let app = App::with(|rocket| rocket.mount("/", rocket::routes![forbidden]));
    let forbidden_page = app.browser().get("/forbidden");
    assert_eq!(forbidden_page.status, Status::Forbidden);
    forbidden_page.assert_contains("have access to this page");

    let header = ("Sec-Fetch-Site", "cross-site");
    let cross_site_page = app.browser().post_with("/logout", header, &[]);
    assert_eq!(cross_site_page.status, Status::Forbidden);
    cross_site_page.assert_contains("sent from another site");
}

#[test]
fn a_textarea_shows_its_value_and_its_error() {
    let templates = tempfile::tempdir().unwrap();
    copy_templates(templates.path(), |_| true);
    let form = r#"{% import "macros" as macros %}
        {{ macros::textarea(name="bio", label="Bio", value="<b>", error="Too long.") }}"#;
    std::fs::write(templates.path().join("home.html.tera"), form).unwrap();
    let app = App::configured(&format!("[debug]\ntemplate_dir = {:?}", templates.path()));
    let page = app.browser().get("/");
    page.assert_contains("<label for=\"bio\">Bio</label>");
    page.assert_contains("maxlength=\"1000\" required aria-invalid=\"true\"");
    page.assert_contains("aria-describedby=\"bio-error \">\n&lt;b&gt;</textarea>");
    page.assert_contains("id=\"bio-error\">Too long.</p>");
}

#[test]
fn a_form_with_1000_characters_is_within_the_size_limit() {
    let app = App::new();
    let form = [("username", "€".repeat(1_000)), ("password", PASSWORD.to_owned())];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(app.browser().post("/register", &form).status, Status::UnprocessableEntity);
}

#[test]
fn after_an_error_the_title_says_so_and_the_first_wrong_field_has_focus() {
    let app = App::new();
    let mut ada = app.registered("ada");
    ada.get("/dashboard");
    let register = |username, password| {
        app.browser().post("/register", &[("username", username), ("password", password)])
    };
    for (page, is_error, focused) in [
        (app.browser().get("/login"), false, "username"),
        (app.browser().post("/login", &[("username", "ada"), ("password", "x")]), true, "password"),
        (app.browser().get("/register"), false, "username"),
        (register("a!", "short"), true, "username"),
        (register("ada", PASSWORD), true, "username"),
        (register("grace", "short"), true, "password"),
        (ada.get("/reauthenticate"), false, "password"),
        (ada.post("/reauthenticate", &[("password", "x")]), true, "password"),
        (ada.get("/account/password"), false, "new_password"),
        (ada.post("/account/password", &[("new_password", "x")]), true, "new_password"),
    ] {
        let fields = page.body.split("<input ").filter(|field| field.contains(" autofocus>"));
        let fields: Vec<_> = fields.collect();
        assert_eq!(fields.len(), 1, "{}", page.body);
        assert!(fields[0].starts_with(&format!("id=\"{focused}\"")), "{}", fields[0]);
        assert_eq!(page.body.contains("<title>Error: "), is_error, "{}", page.body);
    }
}

#[test]
fn forms_state_the_limits_that_the_server_checks() {
    let app = App::new();
    let page = app.browser().get("/register");
    page.assert_contains("maxlength=\"64\" minlength=\"3\" pattern=\" *[A-Za-z0-9._\\-]+ *\"");
    page.assert_contains("letters from A to Z");
    for (page, name) in
        [(page, "password"), (app.registered("ada").get("/account/password"), "new_password")]
    {
        let field =
            page.body.split("<input ").find(|field| field.contains(&format!(" name=\"{name}\"")));
        assert!(field.unwrap().contains("minlength=\"15\""), "{}", field.unwrap());
    }
    app.browser().get("/login").assert_lacks("minlength");
}

#[test]
fn a_form_after_too_many_attempts_has_the_seconds_left() {
    let app = App::new();
    let form = [("username", "ada"), ("password", "wrong"), ("remember", "on")];
    for _ in 0..10 {
        app.browser().post("/login", &form).assert_lacks("data-retry-after");
    }
    let page = app.browser().post("/login", &form);
    assert_eq!(page.header("retry-after"), Some("10"));
    page.assert_contains("<p class=\"flash danger\" role=\"alert\" data-retry-after=\"10\" data-retry-now=\"You can try again now.\">");
    page.assert_contains("<title>Error: ");
    page.assert_contains("value=\"on\" checked>");
}

#[test]
fn the_navigation_marks_the_current_page() {
    let app = App::new();
    let mut ada = app.registered("ada");
    for (page, current) in [
        (app.browser().get("/login?next=/account"), Some("/login")),
        (app.browser().post("/register", &[]), Some("/register")),
        (app.browser().get("/"), None),
        (ada.get("/dashboard"), Some("/dashboard")),
        (ada.get("/account"), Some("/account")),
        (ada.get("/account/password"), None),
    ] {
        let links =
            page.body.split("href=\"").filter(|link| link.contains("\" aria-current=\"page\">"));
        let links: Vec<_> = links.map(|link| link.split_once('"').unwrap().0).collect();
        assert_eq!(links, Vec::from_iter(current));
    }
}

#[test]
fn the_dashboard_shows_when_the_session_ends() {
    let app = App::configured("[debug.login]\nidle_timeout = 5400");
    let mut browser = app.registered("ada");
    let page = browser.get("/dashboard");
    page.assert_contains("ada (id 1)");
    page.assert_contains("until 17 March 2030, 18:01 UTC</time>");
    page.assert_contains("After 90 minutes without a visit, and at the latest <time datetime=\"2030-03-18T05:46:40Z\">18 March 2030, 05:46 UTC</time>");
    browser.log_in_remembered("ada");
    browser.post("/logout", &[]);
    browser.log_in_remembered("ada");
    browser.get("/dashboard").assert_lacks("without a visit");
}

#[test]
fn the_dashboard_says_whether_a_password_change_needs_the_password() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let needed = "Before you can <a href=\"/account/password\">change your password</a>";
    browser.get("/dashboard").assert_lacks(needed);
    assert_eq!(browser.get("/account/password").status, Status::Ok);
    app.advance(15 * 60 + 1);
    browser.get("/dashboard").assert_contains(needed);
    assert_eq!(browser.get("/account/password").status, Status::SeeOther);
}

#[test]
fn reauthentication_says_after_how_long_it_is_needed() {
    for (setting, words) in
        [("", "15 minutes"), ("fresh_for = 3600", "1 hour"), ("fresh_for = 1", "1 second")]
    {
        let app = App::configured(&format!("[debug.login]\n{setting}"));
        let mut browser = app.registered("ada");
        let page = browser.get("/reauthenticate");
        page.assert_contains(&format!("in this browser in the last\n  {words}.</p>"));
        page.assert_contains("<a class=\"button quiet\" href=\"/dashboard\">Cancel</a>");
        let page = browser.post("/reauthenticate", &[("password", "wrong")]);
        page.assert_contains(&format!("  {words}.</p>"));
    }
}

#[test]
fn cancelling_reauthentication_leads_to_a_page_that_does_not_ask_again() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.advance(15 * 60 + 1);
    let response = browser.get("/account/password");
    let location = response.header("location").unwrap();
    assert!(location.starts_with("/reauthenticate?"), "{location}");
    let page = browser.get(location);
    let (before, _) = page.body.split_once("\">Cancel</a>").unwrap();
    let target = before.rsplit_once("href=\"").unwrap().1;
    assert_eq!(browser.get(target).status, Status::Ok);
}

#[test]
fn the_logout_page_of_an_anonymous_user_leads_to_the_home_page() {
    let app = App::new();
    let page = app.browser().get("/logout");
    assert_eq!(page.status, Status::Ok);
    page.assert_contains("You are not logged in.");
    page.assert_contains("<form action=\"/\"><button>Go to the home page</button></form>");
    page.assert_lacks("action=\"/logout\"");
    app.registered("ada").get("/logout").assert_lacks("You are not logged in.");
}

#[test]
fn an_error_page_offers_another_try_only_where_it_helps() {
    #[rocket::get("/status/<code>")]
    fn status(code: u16) -> Status {
        Status::new(code)
    }

    let app = App::with(|rocket| rocket.mount("/", rocket::routes![status]));
    let try_again = "<a class=\"button\" href=\"\">Try again</a>";
    for code in [429, 500, 503] {
        app.browser().get(&format!("/status/{code}")).assert_contains(try_again);
    }
    for code in [403, 404, 413] {
        app.browser().get(&format!("/status/{code}")).assert_lacks("Try again");
    }
    app.sql("ALTER TABLE users RENAME TO renamed");
    let form = [("username", "ada"), ("password", PASSWORD)];
    let page = app.browser().post("/login", &form);
    assert_eq!(page.status, Status::ServiceUnavailable);
    page.assert_lacks("Try again");
}

#[test]
fn a_debug_run_shows_a_changed_template_and_style_sheet_without_a_restart() {
    let (templates, statics) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy_templates(templates.path(), |_| true);
    let style_sheet = statics.path().join("style.css");
    std::fs::write(&style_sheet, "before").unwrap();
    let app = App::configured(&format!(
        "[debug]\ntemplate_dir = {:?}\nstatic_dir = {:?}",
        templates.path(),
        statics.path()
    ));
    let mut browser = app.browser();
    browser.get("/logout").assert_contains("You are not logged in.");
    browser.get("/static/style.css").assert_contains("before");

    std::fs::write(templates.path().join("logout.html.tera"), "changed").unwrap();
    std::fs::write(&style_sheet, "after").unwrap();
    browser.get("/static/style.css").assert_contains("after");
    // The operating system reports the change of the template a little later.
    let started = std::time::Instant::now();
    while browser.get("/logout").body != "changed" {
        assert!(started.elapsed().as_secs() < 10, "the template was not reloaded");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
