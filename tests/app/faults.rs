//! When the database does not answer, or the program is wrong.

use std::fs;

use rocket::http::Status;

use crate::support::*;

fn break_database(app: &App) {
    app.sql("ALTER TABLE sessions RENAME TO elsewhere");
}

fn mend_database(app: &App) {
    app.sql("ALTER TABLE elsewhere RENAME TO sessions");
}

#[test]
fn a_database_that_does_not_answer_is_503_and_signs_nobody_out() {
    let app = App::new();
    let mut browser = app.registered("ada");
    break_database(&app);
    for path in ["/", "/dashboard", "/account", "/login", "/nowhere"] {
        let answer = browser.get(path);
        assert_eq!(answer.status, Status::ServiceUnavailable, "{path}");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
        answer.shows("Temporarily unavailable");
        answer.shows("href=\"/\"");
        answer.hides("href=\"/login\"");
        answer.sets_no_cookie();
    }
    let answer = browser.post("/logout", &[]);
    assert_eq!(answer.status, Status::ServiceUnavailable);
    answer.sets_no_cookie();
    let answer = browser.get_json("/api/me");
    assert_eq!(answer.body, r#"{"error":"Service Unavailable"}"#);
    assert!(answer.header("retry-after").is_some());
    mend_database(&app);
    let dashboard = browser.get("/dashboard");
    dashboard.shows("Welcome, ada!");
    dashboard.flashed("success", "Your account is ready.");
}

#[test]
fn a_login_that_the_database_can_not_keep_is_503_and_no_login() {
    let app = App::new();
    app.registered("ada");
    break_database(&app);
    let mut browser = app.browser();
    let answer = browser.log_in("ada");
    assert_eq!(answer.status, Status::ServiceUnavailable);
    answer.sets_no_cookie();
    mend_database(&app);
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn a_visit_that_the_database_can_not_note_is_no_error() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.refuse_changes("sessions", "last_seen_at");
    app.pass(61);
    browser.get("/dashboard").shows("Welcome, ada!");
}

#[test]
fn healthz_says_so() {
    let app = App::new();
    app.sql("ALTER TABLE users RENAME TO elsewhere");
    assert_eq!(app.browser().get("/healthz").status, Status::ServiceUnavailable);
}

#[test]
fn a_page_that_can_not_be_made_is_500_and_says_whose_fault_it_is() {
    let templates = tempfile::tempdir().unwrap();
    for file in fs::read_dir("templates").unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), templates.path().join(file.file_name())).unwrap();
    }
    fs::write(templates.path().join("home.html.tera"), "{{ of.nothing }}").unwrap();
    let app = App::configured(&format!("[debug]\ntemplate_dir = {:?}", templates.path()));
    let answer = app.browser().get("/");
    assert_eq!(answer.status, Status::InternalServerError);
    answer.shows("Something went wrong");
    answer.hides("of.nothing");
    let answer = app.browser().get_json("/");
    assert_eq!(answer.body, r#"{"error":"Internal Server Error"}"#);
}
