//! Cross-site forms in a real browser.

use crate::browser::*;

const FORGED: [(&str, &str); 5] = [
    ("/logout", ""),
    ("/register", "<input name=username value=mallory><input name=password value='{}'>"),
    ("/login", "<input name=username value=ada-lovelace><input name=password value='{}'>"),
    ("/account/password", "<input name=new_password value='a password that mallory knows'>"),
    ("/account/sessions/revoke-others", ""),
];

/// A page with a form for each attack, and buttons named after them.
pub fn trap(site: &str) -> String {
    let forms = FORGED.map(|(path, fields)| {
        let fields = fields.replace("{}", PASSWORD);
        format!("<form method=post action='{site}{path}'>{fields}<button>{path}</button></form>")
    });
    format!("<!doctype html><title>Win!</title>{}", forms.concat())
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn blocks_a_form_on_another_site() {
    let site = Site::start();
    // The last one receives the cookie too: for SameSite, all ports are one site.
    for (host, evil) in
        [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost"), ("localhost", "localhost")]
    {
        let mut browser = site.browser();
        browser.site = format!("http://{host}:{}", site.server.port);
        let trap = format!("http://{evil}:{}", another_site(trap(&browser.site)));
        let press_all = |sees: &str| {
            for (path, _) in FORGED {
                browser.open(&trap);
                browser.press(path);
                browser.assert_contains("403");
                browser.assert_contains("sent from another site");
                browser.open("/dashboard");
                browser.assert_contains(sees);
            }
        };
        press_all("Please log in to access this page.");
        browser.log_in();
        assert!(site.lets_in(FORM));
        press_all("Welcome, ada-lovelace!");
        browser.follow(NAME);
        browser.assert_contains("Log out all other devices");
        assert!(!site.lets_in("username=mallory&password=a+horse+that+staples+batteries"));
        assert!(site.lets_in(FORM));
    }
}

#[test]
#[ignore = "needs Chromium and chromedriver: .ci/run runs it"]
fn shows_the_login_message_after_a_link_on_another_site() {
    let site = Site::start();
    let browser = site.browser();
    let page = format!("<!doctype html><a href='{}/account'>Look</a>", browser.site);
    browser.open(&format!("http://127.0.0.1:{}", another_site(page)));
    browser.follow("Look");
    browser.assert_contains("Remember me on this device");
    browser.assert_contains("Please log in to access this page.");
}
