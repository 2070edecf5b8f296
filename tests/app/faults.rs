//! Database errors and template errors.

use std::fs;
use std::time::{Duration, Instant};

use rocket::http::Status;

use crate::support::*;

fn break_database(app: &App) {
    app.sql("ALTER TABLE sessions RENAME TO renamed");
}

fn repair_database(app: &App) {
    app.sql("ALTER TABLE renamed RENAME TO sessions");
}

#[test]
fn a_database_error_gets_a_503_and_does_not_log_the_user_out() {
    let app = App::new();
    let mut browser = app.registered("ada");
    break_database(&app);
    for path in ["/", "/dashboard", "/account", "/login", "/nowhere"] {
        let response = browser.get(path);
        assert_eq!(response.status, Status::ServiceUnavailable, "{path}");
        assert!(response.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
        response.assert_contains("Temporarily unavailable");
        response.assert_contains("href=\"/\"");
        response.assert_lacks("href=\"/login\"");
        response.assert_sets_no_cookie();
    }
    let response = browser.post("/logout", &[]);
    assert_eq!(response.status, Status::ServiceUnavailable);
    response.assert_sets_no_cookie();
    let response = browser.get_json("/api/me");
    assert_eq!(response.body, r#"{"error":"Service Unavailable"}"#);
    assert!(response.header("retry-after").is_some());
    repair_database(&app);
    let dashboard = browser.get("/dashboard");
    dashboard.assert_contains("Welcome, ada!");
    dashboard.assert_flashes("success", "Your account has been created.");
}

#[test]
fn a_login_that_cannot_store_its_session_gets_a_503_that_sets_no_cookie() {
    let app = App::new();
    app.registered("ada");
    break_database(&app);
    let mut browser = app.browser();
    let response = browser.log_in("ada");
    assert_eq!(response.status, Status::ServiceUnavailable);
    response.assert_sets_no_cookie();
    repair_database(&app);
    assert_eq!(browser.log_in("ada").location(), "/dashboard");
}

#[test]
fn a_request_succeeds_even_if_its_visit_cannot_be_recorded() {
    let app = App::new();
    let mut browser = app.registered("ada");
    app.fail_updates("sessions", "last_seen_at");
    app.advance(61);
    browser.get("/dashboard").assert_contains("Welcome, ada!");
}

#[test]
fn healthz_returns_503_without_the_users_table() {
    let app = App::new();
    app.sql("ALTER TABLE users RENAME TO renamed");
    assert_eq!(app.browser().get("/healthz").status, Status::ServiceUnavailable);
    assert_eq!(app.browser().get("/healthz/live").status, Status::Ok);
}

#[test]
fn healthz_writes_at_most_once_per_second() {
    let app = App::new();
    let health = || app.browser().get("/healthz").status;
    app.fail("INSERT ON __diesel_schema_migrations");
    let started = Instant::now();
    assert_eq!(health(), Status::ServiceUnavailable);
    app.sql(if app.is_on_postgres() { "DROP FUNCTION fail CASCADE" } else { "DROP TRIGGER fail" });
    // No write, so the first result remains.
    if health() == Status::Ok {
        assert!(started.elapsed() >= Duration::from_secs(1));
    }
    while health() != Status::Ok {
        assert!(started.elapsed() < Duration::from_secs(20), "healthz does not try again");
    }
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_template_error_gets_a_500_page_without_details() {
    let templates = tempfile::tempdir().unwrap();
    copy_templates(templates.path(), |_| true);
    fs::write(templates.path().join("home.html.tera"), "{{ of.nothing }}").unwrap();
    let app = App::configured(&format!("[debug]\ntemplate_dir = {:?}", templates.path()));
    let response = app.browser().get("/");
    assert_eq!(response.status, Status::InternalServerError);
    response.assert_contains("Something went wrong");
    response.assert_lacks("of.nothing");
    let response = app.browser().get_json("/");
    assert_eq!(response.body, r#"{"error":"Internal Server Error"}"#);
}
