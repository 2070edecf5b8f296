//! The size and accessibility of every page, with screenshots.

use std::fs;
use std::path::Path;

use rocket::serde::json::json;

use crate::browser::*;
use crate::cross_site::attack_page;
use crate::server::ROOT;

/// The settings of the pages whose sizes are checked.
const SETTINGS: &[(&str, &str)] = &[
    ("ROCKET_DEMO", "false"), // Without the panel.
];

/// Opens every page in every state, and passes the browser and the state's name to `check`.
fn check_every_state(settings: &[(&str, &str)], mut check: impl FnMut(&Browser, &str)) {
    let site = Site::start_with(settings);
    let browser = site.browser();
    browser.open("/");
    check(&browser, "home");
    browser.open("/register");
    check(&browser, "register");
    // Without this, the browser would not send the form.
    browser.script("document.querySelector('[name=username]').form.noValidate = true");
    browser.type_into("username", "a!");
    browser.type_into("password", "short");
    browser.press("Register");
    browser.assert_contains("Use 3 to 64");
    check(&browser, "register-invalid");
    browser.open("/login");
    check(&browser, "login");
    fail_login(&browser);
    browser.assert_contains("Invalid username or password.");
    check(&browser, "login-failed");
    for _ in 0..10 {
        site.try_log_in("username=grace&password=wrong");
    }
    browser.open("/login");
    fail_login(&browser);
    browser.assert_contains("Too many attempts.");
    check(&browser, "login-throttled");

    browser.open("/nowhere");
    check(&browser, "404");
    browser.open(&format!("http://127.0.0.1:{}", another_site(attack_page(&browser.site))));
    browser.press("/logout");
    browser.assert_contains("403");
    check(&browser, "403");
    browser.open("/login");
    browser.type_into("username", NAME);
    browser.script("document.querySelector('[name=password]').value = 'x'.repeat(1024 * 1024)");
    browser.press("Log in");
    browser.assert_contains("413");
    check(&browser, "413");

    browser.open("/dashboard");
    check(&browser, "login-required");
    browser.log_in();
    check(&browser, "dashboard");
    browser.open("/");
    check(&browser, "home-logged-in");
    // The account page lists two devices, because the registration also began a session.
    for path in ["/account", "/account/password", "/reauthenticate", "/logout"] {
        browser.open(path);
        check(&browser, path.rsplit('/').next().unwrap());
    }
    browser.press("Log out");
    browser.assert_contains("You have been logged out.");
    browser.open("/logout");
    browser.assert_contains("You are not logged in.");
    check(&browser, "logout-anonymous");
}

/// Opens the pages that a logged-in user sees after an error, after deactivation, or when the login
/// is not fresh. Passes the browser and the state's name to `check`.
fn check_error_states(settings: &[(&str, &str)], mut check: impl FnMut(&Browser, &str)) {
    let site = Site::start_with_own_templates(settings);
    let browser = site.browser();
    browser.open("/login");
    browser.log_in();
    browser.open_until("/account/password", "Please enter your password again");
    check(&browser, "stale");
    site.without_file("templates/account.html.tera", || {
        browser.open_until("/account", "500");
        check(&browser, "500");
    });
    site.without_file("data/app.sqlite", || {
        browser.open("/dashboard");
        browser.assert_contains("503");
        check(&browser, "503");
    });
    site.deactivate_user();
    browser.open("/dashboard");
    browser.assert_contains("Please log in");
    check(&browser, "deactivated");
    browser.type_into("username", NAME);
    browser.type_into("password", PASSWORD);
    browser.press("Log in");
    browser.assert_contains("Invalid username or password.");
    check(&browser, "deactivated-login");
}

fn fail_login(browser: &Browser) {
    browser.type_into("username", "grace");
    browser.type_into("password", "wrong");
    browser.press("Log in");
}

/// Sets the colour scheme, and resizes the viewport to `width` and the height of the page.
pub fn set_viewport(browser: &Browser, scheme: &str, width: u32) {
    let features = json!([
        { "name": "prefers-color-scheme", "value": scheme },
        // Animations would disturb the measurement.
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    let mut screen = json!({ "width": width, "height": 800, "deviceScaleFactor": 1 });
    screen["mobile"] = json!(false);
    browser.devtools("Emulation.setDeviceMetricsOverride", screen.clone());
    screen["height"] = browser.script("return document.documentElement.scrollHeight");
    browser.devtools("Emulation.setDeviceMetricsOverride", screen);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn every_page_is_small_and_fits_a_narrow_viewport() {
    check_sizes(SETTINGS, "", 10_000, 3);
}

/// Checks that each page has fewer than `max_html` bytes of HTML, takes at most `max_requests`, and fits.
pub fn check_sizes(settings: &[(&str, &str)], prefix: &str, max_html: u64, max_requests: u64) {
    let dir = Path::new(ROOT).join("target/screenshots");
    fs::create_dir_all(&dir).unwrap();
    let check = |browser: &Browser, state: &str| {
        for (scheme, width) in [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)] {
            set_viewport(browser, scheme, width);
            browser.screenshot(&dir.join(format!("{prefix}{state}-{scheme}-{width}.png")));
        }
        let number = |script: &str| browser.script(script).as_u64().unwrap();
        let width = number("return document.documentElement.scrollWidth");
        assert!(width <= 320, "{state} is {width} pixels wide");
        let html = number("return performance.getEntriesByType('navigation')[0].decodedBodySize");
        assert!((1..max_html).contains(&html), "{state} has {html} bytes of HTML");
        let styles = number(
            "const files = performance.getEntriesByType('resource');
             const styles = files.filter(file => new URL(file.name).pathname.endsWith('.css'));
             return styles.reduce((sum, file) => sum + file.decodedBodySize, 0)",
        );
        assert!((1..15_000).contains(&styles), "{state} has {styles} bytes of CSS");
        // Does not count a request for the icon, because the icon is embedded in the page.
        let requests = 1 + number(
            "const files = performance.getEntriesByType('resource');
             return new Set(files.map(file => file.name)).size",
        );
        assert!(requests <= max_requests, "{state} takes {requests} requests");
    };
    check_every_state(settings, check);
    check_error_states(settings, check);
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn axe_finds_no_violations_in_either_colour_scheme() {
    let axe = Path::new(ROOT).join("target/axe/node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).expect("axe-core is missing from target/axe.");
    let check = |browser: &Browser, state: &str| {
        browser.script(&axe);
        for scheme in ["light", "dark"] {
            set_viewport(browser, scheme, 1280);
            let violations = browser.script(
                "return axe.run().then(({ violations }) =>
                     violations.map(({ help, nodes }) => [help, ...nodes.map(node => node.html)]))",
            );
            assert_eq!(violations, json!([]), "{state} in {scheme}");
        }
    };
    check_every_state(&[], check);
    check_error_states(&[], check);
}
