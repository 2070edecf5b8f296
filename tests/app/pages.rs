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
}

#[test]
fn serves_the_style_sheet_and_the_script() {
    let app = App::new();
    for (path, content_type) in [("style.css", "text/css"), ("forms.js", "text/javascript")] {
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
