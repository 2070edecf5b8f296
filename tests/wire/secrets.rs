//! The log, which must not contain secrets at any log level.

use tempfile::TempDir;

use crate::server::*;

#[test]
fn logs_no_password_token_or_cookie_at_any_level() {
    for level in ["normal", "debug"] {
        let dir = TempDir::new().unwrap();
        let mut server = start(program(dir.path()).env("ROCKET_LOG_LEVEL", level));
        let mut secrets = vec!["staples".to_owned(), "different".to_owned(), "mistyped".to_owned()];
        let mut record_cookie = |response: &str| {
            let header = cookie(response);
            secrets.push(header["Cookie: login=".len()..].trim().to_owned());
            header
        };
        let mut ada = record_cookie(&server.post("/register", "", ADA));
        for form in ["username=ada&password=mistyped", "username=ada&password=%ff%00mistyped"] {
            server.post("/login", "", form);
        }
        server.post("/login", "", "username=mistyped-here&password=mistyped&remember=mistyped");
        server.post("/login", "", "password=mistyped&next=//mistyped");
        server.post("/register", "", "username=ada&password=mistyped+but+long+enough");
        server.get("/dashboard", &ada);
        for path in ["/login", "/dashboard", "/nowhere"] {
            server.get(&format!("{path}?token=mistyped-in-a-query&\u{a0}mistyped"), &ada);
        }
        let form = "password=a+horse+that+staples+batteries";
        ada = record_cookie(&server.post("/reauthenticate", &ada, form));
        server.post("/reauthenticate", &ada, "password=mistyped");
        let form = "new_password=a+different+horse+altogether";
        ada = record_cookie(&server.post("/account/password", &ada, form));
        server.post("/account/sessions/revoke-others", &ada, "");
        server.post("/logout", &format!("Sec-Fetch-Site: cross-site\r\n{ada}"), "");
        server.post("/logout", &ada, "");
        let form = "username=ada&password=a+different+horse+altogether&remember=on";
        record_cookie(&server.post("/login", "", form));
        secrets.push(std::fs::read_to_string(dir.path().join("data/secret_key")).unwrap());
        let log = server.stop();
        assert!(log.contains("POST /login"), "requests are not logged at level {level}");
        assert!(log.contains("\"event\":\"password_changed\",\"user\":1"), "events are not logged");
        for secret in secrets {
            // Searches for the first 24 bytes, because the log could contain only part of a secret.
            let part = &secret[..secret.len().min(24)];
            assert!(!log.contains(part), "{part} is in the log at level {level}:\n{log}");
        }
    }
}
