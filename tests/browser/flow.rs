//! The user flow in a real browser, from registration to a password change: with a mouse, with a
//! keyboard, and without JavaScript.

use crate::browser::*;

const NEW_PASSWORD: &str = "a different horse altogether";

fn whole_flow(browser: &Browser) {
    browser.open("/");
    browser.follow("Register");
    browser.type_into("username", NAME);
    browser.type_into("password", PASSWORD);
    browser.press("Register");
    browser.assert_contains("Your account has been created.");
    browser.assert_url("/dashboard");

    browser.press("Log out");
    browser.assert_contains("You have been logged out.");
    browser.open("/dashboard?query");
    browser.assert_contains("Please log in to access this page.");

    browser.log_in();
    browser.assert_url("/dashboard?query");
    browser.follow("Dashboard");
    browser.assert_url("/dashboard");
    browser.assert_contains("Welcome, ada-lovelace!");
    browser.assert_lacks("Login successful.");

    browser.follow(NAME);
    browser.assert_url("/account");
    browser.follow("Change your password");
    browser.type_into("new_password", NEW_PASSWORD);
    browser.press("Change your password");
    browser.assert_contains("Your password has been changed.");
    browser.press("Log out");
    browser.assert_contains("You have been logged out.");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_whole_flow_works_with_a_mouse() {
    let site = Site::start_empty();
    whole_flow(&site.browser());
    assert!(!site.try_log_in(FORM), "the old password still works");
    assert!(site.try_log_in("username=ada-lovelace&password=a+different+horse+altogether"));
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_whole_flow_works_with_a_keyboard() {
    let site = Site::start_empty();
    let mut browser = site.browser();
    browser.by_keyboard = true;
    whole_flow(&browser);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_whole_flow_works_without_javascript() {
    let site = Site::start_empty();
    let browser = site.browser_without_javascript();
    let page = "<p>off<script>document.querySelector('p').textContent = 'on'</script>";
    browser.open(&format!("http://localhost:{}", another_site(page.into())));
    browser.assert_contains("off");
    whole_flow(&browser);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_whole_flow_leaves_the_console_empty() {
    let site = Site::start_empty();
    let browser = site.browser();
    whole_flow(&browser);
    assert_eq!(browser.console(), [] as [&str; 0]);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn an_injected_script_does_not_run() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/");
    let title = browser.script(
        "const script = document.createElement('script');
         script.textContent = 'document.title = \"injected\"';
         document.body.append(script);
         return document.title",
    );
    assert_ne!(title, "injected");
    let console = browser.console();
    assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{console:?}");
}
