//! Sessions in a real browser, with restarts, the back button and double clicks.

use std::time::Duration;

use crate::browser::*;

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_remembered_session_survives_a_browser_restart() {
    let site = Site::start();
    let mut browser = site.browser();
    browser.open("/login");
    browser.select_checkbox("remember");
    browser.log_in();
    browser.restart();
    browser.open("/dashboard");
    browser.assert_contains("Welcome, ada-lovelace!");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_session_that_is_not_remembered_ends_when_the_browser_closes() {
    let site = Site::start();
    let mut browser = site.logged_in();
    browser.restart();
    browser.open("/dashboard");
    browser.assert_contains("Please log in to access this page.");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_back_button_shows_no_protected_page_after_logout() {
    let site = Site::start();
    let browser = site.logged_in();
    browser.follow(NAME);
    browser.assert_url("/account");
    browser.press("Log out");
    browser.assert_contains("You have been logged out.");
    for _page in ["account", "dashboard"] {
        browser.back();
        browser.assert_contains("Please log in to access this page.");
        browser.assert_lacks(NAME);
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn logging_out_other_devices_logs_out_another_browser() {
    let site = Site::start();
    let [current, other] = [site.logged_in(), site.logged_in()];
    current.follow(NAME);
    current.press("Log out all other devices");
    current.assert_contains("All other devices have been logged out.");
    other.follow("Dashboard");
    other.assert_contains("Please log in to access this page.");
    current.follow("Dashboard");
    current.assert_contains("Welcome, ada-lovelace!");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_double_click_sends_a_form_once() {
    let site = Site::start();
    let browser = site.browser_with_latency(Duration::from_millis(500));
    browser.open("/login");
    browser.log_in();
    browser.open("/account/password");
    browser.type_into("new_password", "a different horse altogether");
    browser.double_click("Change your password");
    browser.assert_contains("Your password has been changed. All other devices are logged out.");
    browser.open("/reauthenticate");
    browser.type_into("password", "a different horse altogether");
    browser.double_click("Continue");
    browser.assert_url("/dashboard");
    assert!(site.try_log_in("username=ada-lovelace&password=a+different+horse+altogether"));
    browser.open("/account");
    browser.double_click("Log out device");
    browser.assert_contains("The device has been logged out.");
}
