//! What each room of the house may touch.

use std::fs;
use std::path::Path;

/// Every source file below `place`, as name and text.
fn sources(place: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place);
    let mut files = Vec::new();
    let mut places = vec![root];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push((place.display().to_string(), fs::read_to_string(&place).unwrap()));
        }
    }
    assert!(!files.is_empty(), "nothing to read");
    files
}

#[track_caller]
fn keep_out(place: &str, strangers: &[&str]) {
    for (name, text) in sources(place) {
        // The examples in a comment are somebody else's code.
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            for stranger in strangers {
                assert!(
                    !line.contains(stranger),
                    "{name}, line {number} of code, has {stranger:?}: {line}"
                );
            }
        }
    }
}

#[test]
fn users_and_sessions_look_into_no_request() {
    for file in ["users.rs", "sessions.rs", "db/mod.rs"] {
        keep_out(file, &["request.", "Cookie", "Template", "Page", "rocket::http", "Redirect"]);
    }
}

#[test]
fn passwords_know_neither_users_nor_database() {
    keep_out("passwords.rs", &["crate::", "diesel"]);
}

#[test]
fn pages_know_no_database() {
    keep_out("page.rs", &["crate::db", "diesel", "schema"]);
}

#[test]
fn routes_hold_no_sql_and_no_cookie_jar() {
    keep_out(
        "routes",
        &["diesel", "schema", "CookieJar", "cookies()", "Template", ".unwrap()", ".expect("],
    );
}

#[test]
fn one_place_checks_passwords() {
    for (name, text) in sources("") {
        let checks = text.contains(".verify(") || text.contains("verify_password(");
        let may = name.ends_with("authenticate.rs") || name.ends_with("passwords.rs");
        assert!(!checks || may, "{name} checks a password");
    }
}
