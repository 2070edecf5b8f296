//! The flight plan and the panel in a real browser.

use crate::browser::*;
use crate::pages::check_sizes;

/// Clicks through the flight plan as it is written.
fn complete_flight_plan(browser: &Browser) {
    browser.open("/");
    browser.assert_done(0);
    browser.follow("dashboard");
    browser.assert_contains("Please log in to access this page.");
    browser.assert_contains("GET /dashboard → 303 → /login?next=/dashboard");
    browser.follow("Flight plan");
    browser.assert_done(1);

    browser.follow("Create an account");
    browser.type_into("username", NAME);
    browser.type_into("password", PASSWORD);
    browser.press("Register");
    browser.assert_contains("Your account has been created.");
    browser.follow("Flight plan");
    browser.assert_done(2);

    browser.press("Log out");
    browser.assert_contains("You have been logged out.");
    browser.follow("dashboard");
    browser.log_in();
    browser.assert_contains("Password correct");
    browser.follow("Flight plan");
    browser.assert_done(3);

    browser.press("Log in from a phone");
    browser.assert_contains("A phone has logged in to your account.");
    browser.press("Log out device");
    browser.assert_contains("The device has been logged out.");
    browser.follow("Flight plan");
    browser.assert_done(4);

    browser.press("Make my login old");
    browser.assert_contains("Please enter your password again to access this page.");
    browser.assert_contains("FreshUser rejected GET /account/password");
    browser.type_into("password", PASSWORD);
    browser.press("Continue");
    browser.assert_url("/account/password");
    browser.follow("Flight plan");
    browser.assert_done(5);

    browser.press("Copy my session cookie");
    browser.assert_contains("Your session cookie has been copied.");
    browser.press("Log out");
    browser.assert_contains("You have been logged out.");
    browser.press("Put the copy back");
    browser.assert_contains("Please log in to access this page.");
    browser.assert_contains("The copied cookie was rejected");
    browser.assert_contains("but no row has the hash");
    browser.follow("Flight plan");
    browser.assert_done(6);
    browser.assert_contains("You have completed the flight plan.");
}

impl Browser {
    /// Waits until the page says that `count` steps of the flight plan are done.
    #[track_caller]
    fn assert_done(&self, count: usize) {
        self.assert_contains(&format!("{count} of 6 done"));
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_visitor_can_complete_the_flight_plan() {
    let site = Site::start_empty();
    let browser = site.browser();
    complete_flight_plan(&browser);
    assert_eq!(browser.console(), [] as [&str; 0]);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_visitor_can_complete_the_flight_plan_without_javascript() {
    complete_flight_plan(&Site::start_empty().browser_without_javascript());
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_panel_is_open_until_a_visitor_closes_it() {
    let site = Site::start();
    let browser = site.browser();
    let is_open = |path| {
        browser.open(path);
        browser.script("return document.querySelector('.panel details').open")
    };
    assert_eq!(is_open("/"), true);
    browser.script("document.querySelector('.panel summary').click()");
    assert_eq!(is_open("/login"), false);
    assert_eq!(is_open("/nowhere"), false);
    browser.script("document.querySelector('.panel summary').click()");
    assert_eq!(is_open("/"), true);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn every_page_with_the_panel_is_small_and_fits_a_narrow_viewport() {
    check_sizes(&[], "panel-", 20_000, 5);
}
