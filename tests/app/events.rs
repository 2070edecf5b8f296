//! What the operator reads.

use crate::support::*;

#[test]
fn every_event_is_one_line_of_json_and_holds_no_name_that_was_typed() {
    let app = App::new();
    let mut browser = app.registered("ada");
    let form = [("username", "ada"), ("password", "a wrong password")];
    app.browser().post("/login", &form);
    app.browser()
        .post("/login", &[("username", "a-password-in-the-wrong-field"), ("password", "")]);
    app.pass(15 * 60 + 1);
    browser.post("/reauthenticate", &[("password", "a wrong password")]);
    browser.post("/reauthenticate", &[("password", PASSWORD)]);
    browser.post("/account/password", &[("new_password", PASSWORD)]);
    browser.post("/account/sessions/revoke-others", &[]);
    browser.post_with("/logout", ("Sec-Fetch-Site", "cross-site"), &[]);
    browser.post("/logout", &[]);
    app.sql("UPDATE users SET is_active = FALSE");
    app.browser().log_in("ada");
    let line = |time: i64, event: &str| {
        format!(r#"{{"time":{},"address":"127.0.0.1","event":{event}}}"#, BEGIN + time)
    };
    let refused = r#""password_refused","door":"login","user":1,"why":"wrong_password""#;
    assert_eq!(
        app.events(),
        [
            line(0, r#""registered","user":1"#),
            line(0, r#""logged_in","user":1"#),
            line(0, refused),
            line(0, r#""password_refused","door":"login","user":null,"why":"unknown_name""#),
            line(
                901,
                r#""password_refused","door":"reauthentication","user":1,"why":"wrong_password""#
            ),
            line(901, r#""reauthenticated","user":1"#),
            line(901, r#""password_changed","user":1"#),
            line(901, r#""sessions_ended","user":1,"count":0"#),
            line(901, r#""cross_site_refused""#),
            line(901, r#""logged_out","user":1"#),
            line(901, r#""login_refused","user":1,"why":"inactive""#),
        ]
    );
    for _ in 0..10 {
        app.browser().post("/login", &form);
        assert_eq!(app.events(), [line(901, refused)]);
    }
    app.browser().post("/login", &form);
    assert_eq!(app.events(), [line(901, r#""slowed","seconds":10"#)]);
}
