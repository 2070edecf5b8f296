//! The pages themselves.

use rocket::http::{Header, Status};
use rocket::local::blocking::Client;

use crate::support::*;

#[test]
fn the_home_page_has_a_way_in_for_strangers_and_a_welcome_for_users() {
    let app = App::new();
    let page = app.browser().get("/");
    page.shows("href=\"/login\"");
    page.shows("href=\"/register\"");
    app.registered("ada").get("/").shows("Welcome, ada");
}

#[test]
fn a_name_in_a_page_is_text_and_nothing_else() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.sql("UPDATE users SET username = '<script>alert(1)</script>'");
    for path in ["/", "/dashboard", "/account", "/account/password", "/reauthenticate", "/nowhere"]
    {
        let page = browser.get(path);
        page.shows("&lt;script&gt;alert(1)&lt;/script&gt;");
        page.hides("<script>");
        page.hides("$argon2");
    }
    let form = [("username", "<script>alert(1)</script>"), ("password", PASSWORD)];
    app.browser().post("/login", &form).hides("<script>");
}

#[test]
fn the_account_page_is_the_users_own() {
    let app = App::new();
    app.registered("grace");
    let page = app.registered("ada").get("/account");
    page.shows("<dd>ada</dd>");
    page.hides("grace");
}

#[test]
fn the_dashboard_says_what_is_known_of_the_session() {
    let app = App::new();
    let mut browser = app.registered("ada");
    browser.get("/dashboard").shows("no, it ends with the browser");
    browser.post("/logout", &[]);
    browser.log_in_and_be_remembered("ada");
    browser.get("/dashboard").shows("yes, also when the browser closes");
}

#[test]
fn api_me_tells_the_id_and_the_name_and_nothing_else() {
    let app = App::new();
    let answer = app.registered("ada").get("/api/me");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.body, r#"{"id":1,"username":"ada"}"#);
}

#[test]
fn healthz_is_ok_while_the_database_answers() {
    let app = App::new();
    let answer = app.browser().get("/healthz");
    assert_eq!((answer.status, answer.body.as_str()), (Status::Ok, "ok"));
}

#[test]
fn the_style_sheet_and_the_script_are_served() {
    let app = App::new();
    for (path, kind) in [("style.css", "text/css"), ("forms.js", "text/javascript")] {
        let answer = app.browser().get(&format!("/static/{path}"));
        assert_eq!(answer.status, Status::Ok);
        assert!(answer.header("content-type").unwrap().starts_with(kind));
    }
}

#[test]
fn every_page_of_a_user_has_a_way_out() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for path in ["/", "/dashboard", "/account", "/account/password", "/reauthenticate", "/nowhere"]
    {
        browser.get(path).shows("<form method=\"post\" action=\"/logout\"><button");
    }
}

#[test]
fn forms_are_what_a_password_manager_expects() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for (page, name, word) in [
        (app.browser().get("/login"), "password", "current-password"),
        (app.browser().get("/register"), "password", "new-password"),
        (browser.get("/reauthenticate"), "password", "current-password"),
        (browser.get("/account/password"), "new_password", "new-password"),
    ] {
        page.shows(&format!("name=\"{name}\" type=\"password\" autocomplete=\"{word}\""));
        page.shows("autocomplete=\"username\"");
        page.shows(&format!("<label for=\"{name}\">"));
        page.hides("onpaste");
    }
}

#[test]
fn a_page_without_access_and_a_form_from_another_site_have_a_403_page_each() {
    #[rocket::get("/forbidden")]
    fn forbidden() -> Status {
        Status::Forbidden
    }

    let dir = tempfile::tempdir().unwrap();
    let log = app::EventLog::new(rocket_login::Clock::default(), |_| {});
    let app = app::build(figment(&dir), rocket_login::Clock::default(), log).unwrap();
    let client = Client::untracked(app.mount("/", rocket::routes![forbidden])).unwrap();
    let no_access = client.get("/forbidden").dispatch();
    assert_eq!(no_access.status(), Status::Forbidden);
    assert!(no_access.into_string().unwrap().contains("have access to this page"));

    let cross_site = Header::new("Sec-Fetch-Site", "cross-site");
    let blocked = client.post("/logout").header(cross_site).dispatch();
    assert_eq!(blocked.status(), Status::Forbidden);
    assert!(blocked.into_string().unwrap().contains("sent from another site"));
}
