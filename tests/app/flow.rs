//! The user flow, from registration to logout.

use crate::support::*;

#[test]
fn a_user_registers_logs_out_logs_in_and_is_remembered() {
    let app = App::new();
    let mut browser = app.browser();
    browser.get("/").assert_contains("href=\"/login\"");

    let redirect = browser.get("/dashboard");
    assert_eq!(redirect.location(), "/login?next=/dashboard");
    let login = browser.follow(redirect);
    login.assert_flashes("warning", "Please log in to access this page.");
    login.assert_contains("name=\"next\" value=\"/dashboard\"");

    let registered = browser.post("/register", &[("username", "ada"), ("password", PASSWORD)]);
    assert_eq!(registered.location(), "/dashboard");
    browser.follow(registered).assert_contains("Welcome, ada!");

    let logged_out = browser.post("/logout", &[]);
    assert_eq!(logged_out.location(), "/");
    browser.follow(logged_out).assert_flashes("info", "You have been logged out.");
    assert!(!browser.is_logged_in());

    let form = [
        ("username", "ada"),
        ("password", PASSWORD),
        ("remember", "on"),
        ("next", "/account?tab=1"),
    ];
    let logged_in = browser.post("/login", &form);
    assert_eq!(logged_in.location(), "/account?tab=1");
    browser.follow(logged_in).assert_flashes("success", "Login successful.");

    browser.restart();
    let home = browser.get("/");
    home.assert_contains("Welcome, ada");
    assert_eq!(home.flashes(), []);
}

#[test]
fn every_page_including_an_error_page_shows_the_current_user() {
    let app = App::new();
    let mut browser = app.registered("grace");
    for path in ["/", "/dashboard", "/account", "/logout", "/nowhere"] {
        browser.get(path).assert_contains(">grace</a>");
    }
}

#[test]
fn shows_a_flash_message_once_even_on_an_error_page() {
    let app = App::new();
    let mut browser = app.registered("grace");
    browser.get("/nowhere").assert_flashes("success", "Your account has been created.");
    assert_eq!(browser.get("/nowhere").flashes(), []);
    assert_eq!(browser.get("/").flashes(), []);
}

#[test]
fn a_missing_image_does_not_consume_the_flash_message() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let image = [("Sec-Fetch-Dest", "image")];
    browser.send(rocket::http::Method::Get, "/static/no.png", &image, None);
    browser.send(rocket::http::Method::Get, "/favicon.ico", &image, None);
    browser.get("/dashboard").assert_flashes("success", "Your account has been created.");
}
