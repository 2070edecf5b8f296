//! Cross-site forms in a real browser.

use crate::browser::*;

/// The path and the fields of each forged form.
const FORGED_FORMS: [(&str, &str); 5] = [
    ("/logout", ""),
    ("/register", "<input name=username value=mallory><input name=password value='{}'>"),
    ("/login", "<input name=username value=ada-lovelace><input name=password value='{}'>"),
    ("/account/password", "<input name=new_password value='a password that mallory knows'>"),
    ("/account/sessions/revoke-others", ""),
];

/// Returns an attacker's page with a form for each attack. Each button shows the path of its form.
pub fn attack_page(site: &str) -> String {
    let forms = FORGED_FORMS.map(|(path, fields)| {
        let fields = fields.replace("{}", PASSWORD);
        format!("<form method=post action='{site}{path}'>{fields}<button>{path}</button></form>")
    });
    format!("<!doctype html><title>Win!</title>{}", forms.concat())
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn blocks_a_form_on_another_site() {
    let site = Site::start();
    // In the last case, the browser also sends the cookie, because `SameSite` ignores ports.
    for (host, attacker_host) in
        [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost"), ("localhost", "localhost")]
    {
        let mut browser = site.browser();
        browser.site = format!("http://{host}:{}", site.server.port);
        let port = another_site(attack_page(&browser.site));
        let attack_url = format!("http://{attacker_host}:{port}");
        let press_all = |expected: &str| {
            for (path, _) in FORGED_FORMS {
                browser.open(&attack_url);
                browser.press(path);
                browser.assert_contains("403");
                browser.assert_contains("sent from another site");
                browser.open("/dashboard");
                browser.assert_contains(expected);
            }
        };
        press_all("Please log in to access this page.");
        browser.log_in();
        assert!(site.try_log_in(FORM));
        press_all("Welcome, ada-lovelace!");
        browser.follow(NAME);
        browser.assert_contains("Log out all other devices");
        assert!(!site.try_log_in("username=mallory&password=a+horse+that+staples+batteries"));
        assert!(site.try_log_in(FORM));
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver"]
fn shows_the_login_message_after_the_user_follows_a_link_on_another_site() {
    let site = Site::start();
    let browser = site.browser();
    let page = format!("<!doctype html><a href='{}/account'>Look</a>", browser.site);
    browser.open(&format!("http://127.0.0.1:{}", another_site(page)));
    browser.follow("Look");
    browser.assert_contains("Remember me on this device");
    browser.assert_contains("Please log in to access this page.");
}
