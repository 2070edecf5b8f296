//! The event log.

use crate::support::*;

#[test]
fn logs_events_as_json_without_usernames() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let form = [("username", "ada"), ("password", "a wrong password")];
    app.browser().post("/login", &form);
    app.browser()
        .post("/login", &[("username", "a-password-in-the-wrong-field"), ("password", "")]);
    app.advance(15 * 60 + 1);
    browser.post("/reauthenticate", &[("password", "a wrong password")]);
    browser.post("/reauthenticate", &[("password", PASSWORD)]);
    browser.post("/account/password", &[("new_password", PASSWORD)]);
    browser.post("/account/sessions/revoke-others", &[]);
    browser.post_with("/logout", ("Sec-Fetch-Site", "cross-site"), &[]);
    browser.post("/logout", &[]);
    app.sql("UPDATE users SET is_active = FALSE");
    app.browser().log_in("ada");
    let line = |seconds: i64, event: &str| {
        format!(r#"{{"time":{},"address":"127.0.0.1","event":{event}}}"#, START_TIME + seconds)
    };
    let wrong_password =
        r#""authentication_failed","kind":"login","user":1,"reason":"wrong_password""#;
    assert_eq!(
        app.events(),
        [
            line(0, r#""registered","user":1"#),
            line(0, r#""logged_in","user":1"#),
            line(0, wrong_password),
            line(
                0,
                r#""authentication_failed","kind":"login","user":null,"reason":"unknown_username""#
            ),
            line(
                901,
                r#""authentication_failed","kind":"reauthentication","user":1,"reason":"wrong_password""#
            ),
            line(901, r#""reauthenticated","user":1"#),
            line(901, r#""password_changed","user":1"#),
            line(901, r#""sessions_revoked","user":1,"count":0"#),
            line(901, r#""cross_site_blocked""#),
            line(901, r#""logged_out","user":1"#),
            line(901, r#""authentication_failed","kind":"login","user":1,"reason":"deactivated""#),
        ]
    );
    for _ in 0..8 {
        app.browser().post("/login", &form);
        assert_eq!(app.events(), [line(901, wrong_password)]);
    }
    app.browser().post("/login", &form);
    assert_eq!(app.events(), [line(901, r#""login_throttled","kind":"login","retry_after":10"#)]);
}
