//! From registering to the last logout, in every way that people have.

use crate::browser::*;

const NEW_PASSWORD: &str = "a different horse altogether";

fn whole_flow(browser: &Browser) {
    browser.open("/");
    browser.follow("Register");
    browser.type_into("username", NAME);
    browser.type_into("password", PASSWORD);
    browser.press("Register");
    browser.shows("Your account is ready.");
    browser.is_at("/dashboard");

    browser.press("Log out");
    browser.shows("You have been logged out.");
    browser.open("/dashboard?wanted");
    browser.shows("Please log in to access this page.");

    browser.log_in();
    browser.is_at("/dashboard?wanted");
    browser.follow("Dashboard");
    browser.is_at("/dashboard");
    browser.shows("Welcome, ada-lovelace!");
    browser.hides("Login successful.");

    browser.follow(NAME);
    browser.is_at("/account");
    browser.follow("Change the password");
    browser.type_into("new_password", NEW_PASSWORD);
    browser.press("Change the password");
    browser.shows("Your password is changed");
    browser.press("Log out");
    browser.shows("You have been logged out.");
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn the_whole_flow_works_by_clicks() {
    let site = Site::start_empty();
    whole_flow(&site.browser());
    assert!(!site.lets_in(FORM), "the old password still counts");
    assert!(site.lets_in("username=ada-lovelace&password=a+different+horse+altogether"));
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn the_whole_flow_works_without_a_mouse() {
    let site = Site::start_empty();
    let mut browser = site.browser();
    browser.by_keyboard = true;
    whole_flow(&browser);
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn the_whole_flow_works_without_javascript() {
    let site = Site::start_empty();
    let browser = site.browser_without_javascript();
    let page = "<p>off<script>document.querySelector('p').textContent = 'on'</script>";
    browser.open(&format!("http://localhost:{}", another_site(page.into())));
    browser.shows("off");
    whole_flow(&browser);
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn the_whole_flow_leaves_the_console_empty() {
    let site = Site::start_empty();
    let browser = site.browser();
    whole_flow(&browser);
    assert_eq!(browser.console(), [] as [&str; 0]);
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn a_script_that_is_smuggled_into_a_page_does_not_run() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/");
    let title = browser.script(
        "const script = document.createElement('script');
         script.textContent = 'document.title = \"smuggled\"';
         document.body.append(script);
         return document.title",
    );
    assert_ne!(title, "smuggled");
    let console = browser.console();
    assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{console:?}");
}
