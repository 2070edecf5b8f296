//! The documented flow, from the first visit to the last.

use crate::support::*;

#[test]
fn a_visitor_registers_is_refused_logs_in_is_remembered_and_logs_out() {
    let app = App::new();
    let mut browser = app.browser();
    browser.get("/").shows("href=\"/login\"");

    let refused = browser.get("/dashboard");
    assert_eq!(refused.location(), "/login?next=/dashboard");
    let login = browser.follow(refused);
    login.flashed("warning", "Please log in to access this page.");
    login.shows("name=\"next\" value=\"/dashboard\"");

    let registered = browser.post("/register", &[("username", "ada"), ("password", PASSWORD)]);
    assert_eq!(registered.location(), "/dashboard");
    browser.follow(registered).shows("Welcome, ada!");

    let out = browser.post("/logout", &[]);
    assert_eq!(out.location(), "/");
    browser.follow(out).flashed("info", "You have been logged out.");
    assert!(!browser.is_signed_in());

    let form = [
        ("username", "ada"),
        ("password", PASSWORD),
        ("remember", "on"),
        ("next", "/account?tab=1"),
    ];
    let logged_in = browser.post("/login", &form);
    assert_eq!(logged_in.location(), "/account?tab=1");
    browser.follow(logged_in).flashed("success", "Login successful.");

    browser.restart();
    let home = browser.get("/");
    home.shows("Welcome, ada");
    assert_eq!(home.flashes(), []);
}

#[test]
fn the_current_user_is_in_every_page_the_error_pages_too() {
    let app = App::new();
    let mut browser = app.registered("grace");
    for path in ["/", "/dashboard", "/account", "/logout", "/nowhere"] {
        browser.get(path).shows(">grace</a>");
    }
}

#[test]
fn a_flash_is_seen_once_also_on_an_error_page() {
    let app = App::new();
    let mut browser = app.registered("grace");
    browser.get("/nowhere").flashed("success", "Your account is ready.");
    assert_eq!(browser.get("/nowhere").flashes(), []);
    assert_eq!(browser.get("/").flashes(), []);
}

#[test]
fn a_picture_that_is_missing_takes_no_flash_away() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let image = [("Sec-Fetch-Dest", "image")];
    browser.send(rocket::http::Method::Get, "/static/no.png", &image, None);
    browser.send(rocket::http::Method::Get, "/favicon.ico", &image, None);
    browser.get("/dashboard").flashed("success", "Your account is ready.");
}
