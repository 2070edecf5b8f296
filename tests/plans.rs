//! Query plans, which must not contain full table scans.

// This test uses only a part of the helpers of the app's tests.
#[allow(dead_code, unused_imports)]
#[path = "app/support.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;

use diesel::connection::{InstrumentationEvent, set_default_instrumentation};
use diesel::prelude::*;
use support::*;

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

#[test]
fn no_statement_does_a_full_table_scan() {
    set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let query = query.to_string();
                let statement = query.split(" -- binds").next().unwrap().trim().to_owned();
                STATEMENTS.lock().unwrap().insert(statement);
            }
        }))
    })
    .unwrap();
    let app = App::new();
    let mut browser = app.registered("ada");
    let mut other = app.browser();
    other.log_in("ada");
    app.advance(16 * 60);
    let form = [("password", PASSWORD), ("next", "/account/password")];
    assert_eq!(browser.post("/reauthenticate", &form).location(), "/account/password");
    let form = [("new_password", "another horse that staples")];
    assert_eq!(browser.post("/account/password", &form).location(), "/account");
    browser.get("/account");
    browser.post("/account/sessions/77/revoke", &[]);
    browser.post("/account/sessions/revoke-others", &[]);
    browser.post("/logout", &[]);
    app.sql("UPDATE users SET is_active = FALSE");
    other.get("/dashboard");

    let statements = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    let app_statements: Vec<_> = statements
        .into_iter()
        .filter(|sql| sql.contains("`users`") || sql.contains("`sessions`"))
        .collect();
    assert!(app_statements.len() > 10, "{app_statements:#?}");
    let mut database = app.database();
    for sql in app_statements {
        let plan: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}"))
            .load(&mut database)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        for step in plan {
            assert!(!step.detail.starts_with("SCAN"), "{}: {sql}", step.detail);
        }
    }
}
