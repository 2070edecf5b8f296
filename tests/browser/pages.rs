//! Screenshots, size and accessibility of every page.

use std::fs;
use std::path::Path;

use rocket::serde::json::json;

use crate::browser::*;
use crate::cross_site::trap;
use crate::server::ROOT;

/// Shows a browser every page in every state.
fn every_state(mut see: impl FnMut(&Browser, &str)) {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/");
    see(&browser, "home");
    browser.open("/register");
    see(&browser, "register");
    browser.type_into("username", "a!");
    browser.type_into("password", "short");
    browser.press("Register");
    browser.assert_contains("Use 3 to 64");
    see(&browser, "register-invalid");
    browser.open("/login");
    see(&browser, "login");
    fail_login(&browser);
    browser.assert_contains("Invalid username or password.");
    see(&browser, "login-failed");
    for _ in 0..10 {
        site.lets_in("username=grace&password=wrong");
    }
    browser.open("/login");
    fail_login(&browser);
    browser.assert_contains("Too many failed attempts.");
    see(&browser, "login-throttled");

    browser.open("/nowhere");
    see(&browser, "404");
    browser.open(&format!("http://127.0.0.1:{}", another_site(trap(&browser.site))));
    browser.press("/logout");
    browser.assert_contains("403");
    see(&browser, "403");
    browser.open("/login");
    browser.type_into("username", NAME);
    browser.script("document.querySelector('[name=password]').value = 'x'.repeat(1024 * 1024)");
    browser.press("Log in");
    browser.assert_contains("413");
    see(&browser, "413");

    browser.open("/dashboard");
    see(&browser, "login-required");
    browser.log_in();
    see(&browser, "dashboard");
    browser.open("/");
    see(&browser, "home-logged-in");
    // Logged in here, and on the device where NAME registered.
    for path in ["/account", "/account/password", "/reauthenticate", "/logout"] {
        browser.open(path);
        see(&browser, path.rsplit('/').next().unwrap());
    }
}

/// Shows a browser what can happen to a logged-in user.
fn every_trouble(mut see: impl FnMut(&Browser, &str)) {
    let site = Site::of_trouble();
    let browser = site.browser();
    browser.open("/login");
    browser.log_in();
    browser.open_until("/account/password", "Please enter your password again");
    see(&browser, "stale");
    site.breaks("templates/account.html.tera", || {
        browser.open_until("/account", "500");
        see(&browser, "500");
    });
    site.breaks("data/app.sqlite", || {
        browser.open("/dashboard");
        browser.assert_contains("503");
        see(&browser, "503");
    });
    site.deactivate();
    browser.open("/dashboard");
    browser.assert_contains("Please log in");
    see(&browser, "deactivated");
    browser.type_into("username", NAME);
    browser.type_into("password", PASSWORD);
    browser.press("Log in");
    browser.assert_contains("Invalid username or password.");
    see(&browser, "deactivated-login");
}

fn fail_login(browser: &Browser) {
    browser.type_into("username", "grace");
    browser.type_into("password", "wrong");
    browser.press("Log in");
}

/// Resizes the window to this width and the height of the page.
fn look(browser: &Browser, scheme: &str, width: u32) {
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
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn every_page_is_small_and_fits_a_narrow_screen() {
    let folder = Path::new(ROOT).join("target/screenshots");
    fs::create_dir_all(&folder).unwrap();
    let look_at = |browser: &Browser, state: &str| {
        for (scheme, width) in [("light", 1280), ("dark", 1280), ("light", 320)] {
            look(browser, scheme, width);
            browser.screenshot(&folder.join(format!("{state}-{scheme}-{width}.png")));
        }
        let number = |script: &str| browser.script(script).as_u64().unwrap();
        let width = number("return document.documentElement.scrollWidth");
        assert!(width <= 320, "{state} is {width} wide");
        let html = number("return performance.getEntriesByType('navigation')[0].decodedBodySize");
        assert!((1..10_000).contains(&html), "{state} has {html} bytes");
        let styles = number(
            "const files = performance.getEntriesByType('resource');
             const styles = files.filter(file => new URL(file.name).pathname.endsWith('.css'));
             return styles.reduce((sum, file) => sum + file.decodedBodySize, 0)",
        );
        assert!((1..15_000).contains(&styles), "{state} has {styles} bytes of style");
        // The icon is part of the page, so it is no request.
        let requests = 1 + number(
            "const files = performance.getEntriesByType('resource');
             return new Set(files.map(file => file.name)).size",
        );
        assert!(requests <= 3, "{state} takes {requests} requests");
    };
    every_state(look_at);
    every_trouble(look_at);
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn axe_finds_no_violation_in_either_colour_scheme() {
    let axe = Path::new(ROOT).join("target/axe/node_modules/axe-core/axe.min.js");
    let axe =
        fs::read_to_string(axe).expect("axe-core is missing from target/axe: .ci/run installs it");
    let try_on = |browser: &Browser, state: &str| {
        browser.script(&axe);
        for scheme in ["light", "dark"] {
            look(browser, scheme, 1280);
            let barriers = browser.script(
                "return axe.run().then(({ violations }) =>
                     violations.map(({ help, nodes }) => [help, ...nodes.map(node => node.html)]))",
            );
            assert_eq!(barriers, json!([]), "{state} in {scheme}");
        }
    };
    every_state(try_on);
    every_trouble(try_on);
}
