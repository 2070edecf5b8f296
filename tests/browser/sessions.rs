//! How long a browser is signed in, and what it shows afterwards.

use std::time::Duration;

use crate::browser::*;

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn a_remembered_login_survives_a_restart_of_the_browser() {
    let site = Site::start();
    let mut browser = site.browser();
    browser.open("/login");
    browser.tick("remember");
    browser.log_in();
    browser.restart();
    browser.open("/dashboard");
    browser.shows("Welcome, ada-lovelace!");
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn a_login_that_nobody_asked_to_remember_ends_with_the_browser() {
    let site = Site::start();
    let mut browser = site.signed_in();
    browser.restart();
    browser.open("/dashboard");
    browser.shows("Please log in to access this page.");
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn the_back_button_shows_nothing_private_after_the_logout() {
    let site = Site::start();
    let browser = site.signed_in();
    browser.follow(NAME);
    browser.is_at("/account");
    browser.press("Log out");
    browser.shows("You have been logged out.");
    for _ in ["the account", "the dashboard"] {
        browser.back();
        browser.shows("Please log in to access this page.");
        browser.hides(NAME);
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn signing_out_the_others_signs_another_browser_out_on_its_next_click() {
    let site = Site::start();
    let [this, other] = [site.signed_in(), site.signed_in()];
    this.follow(NAME);
    this.press("Sign out every other device");
    this.shows("Every other device is signed out.");
    other.follow("Dashboard");
    other.shows("Please log in to access this page.");
    this.follow("Dashboard");
    this.shows("Welcome, ada-lovelace!");
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn a_double_click_sends_a_form_once() {
    let site = Site::start();
    let browser = site.browser_far_away(Duration::from_millis(500));
    browser.open("/login");
    browser.log_in();
    browser.open("/account/password");
    browser.type_into("new_password", "a different horse altogether");
    browser.double_click("Change the password");
    browser.shows("Your password is changed, and every other device is signed out.");
    browser.open("/reauthenticate");
    browser.type_into("password", "a different horse altogether");
    browser.double_click("Go on");
    browser.is_at("/dashboard");
    assert!(site.lets_in("username=ada-lovelace&password=a+different+horse+altogether"));
    browser.open("/account");
    browser.double_click("Sign out");
    browser.shows("That device is signed out.");
}
