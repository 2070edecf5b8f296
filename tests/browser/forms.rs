//! What `site.js` and `style.css` add to forms, times and the navigation.

use rocket::serde::Deserialize;
use rocket::serde::json::json;

use crate::browser::*;
use crate::pages::set_viewport;

fn text(browser: &Browser, selector: &str) -> String {
    let script = format!("return document.querySelector('{selector}').textContent");
    browser.script(&script).as_str().unwrap().to_owned()
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_new_password_field_counts_characters_as_the_server_does() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/register");
    browser.type_into("password", "eleven char");
    browser.assert_contains("11 of 15 characters");
    let set = |value: &str| {
        browser.script(&format!(
            "const input = document.querySelector('[name=password]');
             input.value = '{value}';
             input.dispatchEvent(new Event('input'));
             return [document.querySelector('.note').textContent, input.checkValidity()]"
        ))
    };
    assert_eq!(set("twelve chars"), json!(["12 of 15 characters", false]));
    assert_eq!(set("fifteen chars !"), json!(["", true]));
    // NFKC makes 3 characters of this ligature, and an emoji is 1 character.
    assert_eq!(set(&"\u{fb03}".repeat(4)), json!(["12 of 15 characters", false]));
    assert_eq!(set(&"\u{fb03}".repeat(5)), json!(["", true]));
    assert_eq!(set(&"\u{1f680}".repeat(14)), json!(["14 of 15 characters", false]));
    browser.open("/login");
    browser.type_into("password", "short");
    assert_eq!(text(&browser, ".note"), "");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn announces_the_count_only_after_a_pause() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/register");
    browser.script(
        "window.spoken = [];
         const live = document.querySelector('[aria-live=polite]');
         new MutationObserver(() => spoken.push(live.textContent)).observe(live, { childList: true })",
    );
    browser.type_into("password", "eleven char");
    assert_eq!(browser.script("return spoken"), json!([]));
    browser.wait_for("return spoken.length > 0");
    assert_eq!(browser.script("return spoken"), json!(["11 of 15 characters"]));
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_password_field_shows_whether_caps_lock_is_on() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/login");
    let press = |caps_lock: bool| {
        browser.script(&format!(
            "const event = new KeyboardEvent('keydown', {{ key: 'a', modifierCapsLock: {caps_lock} }});
             document.querySelector('[name=password]').dispatchEvent(event)"
        ));
        text(&browser, ".note")
    };
    assert_eq!(press(true), "Caps Lock is on.");
    assert_eq!(press(false), "");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_form_after_too_many_attempts_counts_down_and_says_when_to_try_again() {
    let site = Site::start();
    for _ in 0..10 {
        site.try_log_in("username=grace&password=wrong");
    }
    let browser = site.browser();
    browser.open("/login");
    browser.type_into("username", "grace");
    browser.type_into("password", "wrong");
    browser.press("Log in");
    browser.assert_contains("Too many attempts. Try again in 7 seconds.");
    browser.assert_contains("Try again in 1 second.");
    browser.assert_contains("You can try again now.");
    browser.assert_lacks("Too many attempts.");
    browser.type_into("password", "wrong");
    browser.press("Log in");
    browser.assert_contains("Invalid username or password.");
}

/// Runs `site.js` again, on what a test added to the page.
fn run_site_js(browser: &Browser) {
    browser.script(
        "return import(document.querySelector('script[src*=\"site.js\"]').src).then(() => 1)",
    );
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn counts_down_in_the_language_of_the_page() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/");
    browser.script(
        "document.documentElement.lang = 'de';
         document.querySelector('main').innerHTML =
             '<p data-retry-after=3 data-retry-now=\"Bitte noch einmal.\">In 3 Sekunden geht es weiter.</p>' +
             '<p data-retry-after=3 data-retry-now=\"Try now.\">Try again in 3 seconds.</p>';
         window.shown = new Set();
         new MutationObserver(() => shown.add(document.querySelector('main').textContent))
             .observe(document.querySelector('main'), { childList: true, subtree: true })",
    );
    run_site_js(&browser);
    browser.wait_for(
        "return document.querySelector('main').textContent === 'Bitte noch einmal.Try now.'",
    );
    // The second message is not in the language of the page.
    for shown in ["In 2 Sekunden", "In 1 Sekunde"] {
        let text = format!("{shown} geht es weiter.Try again in 3 seconds.");
        assert_eq!(browser.script(&format!("return shown.has('{text}')")), json!(true), "{shown}");
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn blocks_a_second_submission_only_of_the_same_form() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/");
    let blocked = browser.script(
        "const blocked = [];
         addEventListener('submit', (event) => {
             blocked.push(event.defaultPrevented);
             event.preventDefault();
         });
         const forms = ['form', 'form'].map((tag) => document.createElement(tag));
         document.querySelector('main').append(...forms);
         for (const form of [forms[0], forms[1], forms[0]]) form.requestSubmit();
         return blocked",
    );
    assert_eq!(blocked, json!([false, false, true]));
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_password_field_can_be_outside_a_form() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/");
    browser.script(
        "document.querySelector('main').innerHTML =
             '<input type=password> <time datetime=\"2030-03-17T12:00:00Z\">then</time>'",
    );
    run_site_js(&browser);
    assert_eq!(text(&browser, ".reveal"), "Show");
    assert!(text(&browser, "time").starts_with("17 March 2030, "));
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn an_open_dashboard_shows_when_the_login_is_no_longer_fresh() {
    let site = Site::start();
    let browser = site.logged_in();
    browser.assert_contains("Yes, for 15 more minutes");
    browser.script(
        "const now = Date.now();
         Date.now = () => now + 15 * 60 * 1000 + 1;
         document.dispatchEvent(new Event('visibilitychange'))",
    );
    browser.assert_contains("No. Sensitive pages ask for your password.");
    browser.assert_contains("While you are recently authenticated, you can");
    let facts = text(&browser, ".pass");
    assert!(!facts.contains("Yes") && !facts.contains("until"), "{facts}");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_wrong_clock_does_not_change_whether_the_login_is_fresh() {
    let site = Site::start();
    let browser = site.logged_in();
    browser.script("const now = Date.now(); Date.now = () => now + 60 * 60 * 1000");
    run_site_js(&browser);
    browser.assert_contains("Yes, until ");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_log_out_button_of_a_device_is_described_by_the_local_time() {
    let site = Site::start();
    let browser = site.logged_in();
    browser.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Kolkata" }));
    browser.open("/account");
    browser.wait_for(
        "const button = document.querySelector('.sessions button');
         const text = (attribute) => button.getAttribute(attribute).split(' ').map(
             (id) => document.getElementById(id).textContent).join(' ');
         const device = button.closest('li').querySelector('strong').textContent;
         const time = button.closest('li').querySelector('time').textContent;
         return text('aria-labelledby') === `Log out device ${device}` &&
             text('aria-describedby').startsWith(`Logged in ${time}, last seen today `)",
    );
    browser.assert_lacks("UTC");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn times_are_in_the_time_zone_of_the_visitor() {
    let site = Site::start();
    let browser = site.logged_in();
    let zone = json!({ "timezoneId": "Asia/Kolkata" });
    browser.devtools("Emulation.setTimezoneOverride", zone);
    browser.open("/account");
    let expected = browser.script(
        "const time = new Date(document.querySelector('.sessions time').dateTime);
         const format = { timeZone: 'Asia/Kolkata', hour: '2-digit', minute: '2-digit' };
         return 'today ' + new Intl.DateTimeFormat('en-GB', format).format(time)",
    );
    assert_eq!(text(&browser, ".sessions time"), expected.as_str().unwrap());
    // A title would be out of reach for users without a mouse.
    browser.wait_for("return !document.querySelector('time[title]')");
    browser.open("/dashboard");
    browser.assert_contains("Yes, for 15 more minutes");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn times_are_in_utc_without_javascript() {
    let site = Site::start();
    let browser = site.browser_without_javascript();
    browser.open("/login");
    browser.log_in();
    let shown = browser.visible_time();
    assert!(shown.starts_with("until ") && shown.ends_with(" UTC"), "{shown}");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_navigation_fits_one_row_of_a_narrow_viewport_with_the_longest_username() {
    let site = Site::start();
    let name = "m".repeat(64);
    let form = format!("username={name}&password=a+horse+that+staples+batteries");
    site.server.post("/register", "", &form);
    let browser = site.browser();
    browser.open("/login");
    browser.type_into("username", &name);
    browser.type_into("password", PASSWORD);
    browser.press("Log in");
    browser.assert_contains("Login successful.");
    for wanted in [320_u32, 360, 384, 432, 448] {
        set_viewport(&browser, "light", wanted);
        let width = browser.script("return document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(width <= u64::from(wanted), "the page is {width} pixels wide, not {wanted}");
        // The brand is in the first row.
        let is_one_row = browser.script(
            "const elements = document.querySelectorAll('.site-nav a, .site-nav button');
             const middles = Array.from(elements, (element) => {
                 const { top, bottom } = element.getBoundingClientRect();
                 return (top + bottom) / 2;
             });
             return Math.max(...middles) - Math.min(...middles) < 5",
        );
        assert_eq!(is_one_row, json!(true), "the navigation has several rows at {wanted} pixels");
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_checkbox_keeps_its_size_next_to_a_long_label() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/login");
    set_viewport(&browser, "light", 320);
    let size = browser.script(
        "const box = document.querySelector('[type=checkbox]');
         box.parentElement.append(' and on every other device'.repeat(20));
         return [box.offsetWidth, box.offsetHeight]",
    );
    assert_eq!(size, json!([20, 20]));
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn tags_have_a_border_in_forced_colours() {
    let site = Site::start();
    let browser = site.logged_in();
    browser.open("/account");
    let features = json!([{ "name": "forced-colors", "value": "active" }]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    let script = "const tag = document.createElement('span');
        tag.className = 'tag';
        document.querySelector('.sessions').append(tag);
        const { borderTopWidth, borderTopColor } = getComputedStyle(tag);
        return [borderTopWidth, borderTopColor]";
    let [width, colour] = <[String; 2]>::deserialize(browser.script(script)).unwrap();
    assert_eq!(width, "1px");
    assert_ne!(colour, "rgba(0, 0, 0, 0)");
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn a_form_is_a_centred_column_with_a_wide_button() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/login");
    let layout = browser.script(
        "const card = document.querySelector('.card').getBoundingClientRect();
         const button = document.querySelector('.card > button').getBoundingClientRect();
         const right = document.documentElement.clientWidth - card.right;
         return [card.width, Math.abs(card.left - right) < 1, card.width - button.width]",
    );
    // The border and the padding of the card are 50 pixels wide.
    assert_eq!(layout, json!([448, true, 50]));
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn the_header_of_a_card_does_not_look_like_the_header_of_the_site() {
    let site = Site::start();
    let browser = site.browser();
    browser.open("/login");
    let style = browser.script(
        "const header = document.createElement('header');
         document.querySelector('.card').append(header);
         const { paddingLeft, borderBottomWidth } = getComputedStyle(header);
         return [paddingLeft, borderBottomWidth]",
    );
    assert_eq!(style, json!(["0px", "0px"]));
}
