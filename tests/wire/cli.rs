//! CLI commands while a server runs.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::server::*;

/// Runs a command, and returns its output or its error.
fn command(dir: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut program = program(dir);
    let mut child = program.args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // Ignores an error, because not every command reads the input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

const PASSWORD_LINE: &str = "a horse that staples batteries\n";

#[test]
fn a_user_added_by_a_command_can_log_in_and_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    assert_eq!(
        command(dir.path(), &["user", "add", "ada"], PASSWORD_LINE).unwrap(),
        "Added ada.\n"
    );
    assert!(server.post("/login", "", ADA).starts_with("HTTP/1.1 303"));
    let list = command(dir.path(), &["user", "list"], "").unwrap();
    assert!(list.starts_with("     1  active       20") && list.ends_with("  ada\n"), "{list}");
}

#[test]
fn deactivating_a_user_revokes_their_sessions_permanently() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    command(dir.path(), &["user", "deactivate", "ADA"], "").unwrap();
    assert!(server.get("/dashboard", &cookie).starts_with("HTTP/1.1 303"));
    assert!(server.post("/login", "", ADA).starts_with("HTTP/1.1 422"));
    assert!(command(dir.path(), &["user", "list"], "").unwrap().contains("deactivated"));
    command(dir.path(), &["user", "activate", "ada"], "").unwrap();
    assert!(server.get("/dashboard", &cookie).starts_with("HTTP/1.1 303"));
    assert!(server.post("/login", "", ADA).starts_with("HTTP/1.1 303"));
}

#[test]
fn setting_a_password_revokes_the_users_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    command(dir.path(), &["user", "set-password", "ada"], "another horse that staples\r\n")
        .unwrap();
    assert!(server.get("/dashboard", &cookie).starts_with("HTTP/1.1 303"));
    assert!(server.post("/login", "", ADA).starts_with("HTTP/1.1 422"));
    let form = "username=ada&password=another+horse+that+staples";
    assert!(server.post("/login", "", form).starts_with("HTTP/1.1 303"));
}

#[test]
fn command_errors_describe_the_problem() {
    let dir = tempfile::tempdir().unwrap();
    command(dir.path(), &["user", "add", "ada"], PASSWORD_LINE).unwrap();
    for (arguments, input, expected) in [
        (&["user", "add", "a b"][..], PASSWORD_LINE, "Error: a b: Use only letters from A to Z"),
        (&["user", "add", "Ada"], PASSWORD_LINE, "Error: Ada: this username is taken."),
        (&["user", "add", "grace"], "hunter2", "Error: The password: Use 15 characters or more."),
        (&["user", "add", "grace"], "", "Error: The password: Use 15 characters or more."),
        (&["user", "deactivate", "grace"], "", "Error: grace: no user has this username."),
        (&["user", "add", "grace", "hunter2"], "", "error: unexpected argument"),
        (&["user"], "", "Manage users"),
    ] {
        let error = command(dir.path(), arguments, input).unwrap_err();
        assert!(error.starts_with(expected), "{arguments:?}: {error}");
    }
}

#[test]
fn purge_deletes_only_expired_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(program(dir.path()).env("ROCKET_LOGIN", "{session_lifetime=1}"));
    server.post("/register", "", ADA);
    let purge = || command(dir.path(), &["sessions", "purge"], "").unwrap();
    assert_eq!(purge(), "Expired sessions deleted: 0\n");
    let started = std::time::Instant::now();
    while purge() != "Expired sessions deleted: 1\n" {
        assert!(started.elapsed().as_secs() < 10, "the session was not purged");
    }
}

#[test]
fn a_release_run_accepts_a_generated_key() {
    let dir = tempfile::tempdir().unwrap();
    let key = || command(dir.path(), &["key"], "").unwrap();
    assert_ne!(key(), key());
    let mut program = program(dir.path());
    program.env("ROCKET_PROFILE", "release").env("ROCKET_SECRET_KEY", key().trim());
    assert!(start(&mut program).get("/", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn seed_adds_users_who_can_log_in_but_not_in_a_release_run() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let output = command(dir.path(), &["seed"], "").unwrap();
    assert!(output.starts_with("Added ada with the password: a horse that"), "{output}");
    let output = command(dir.path(), &["seed"], "").unwrap();
    assert!(output.starts_with("The user ada exists already.\n"), "{output}");
    assert!(server.post("/login", "", ADA).starts_with("HTTP/1.1 303"));
    assert_eq!(command(dir.path(), &["user", "list"], "").unwrap().lines().count(), 3);
    let release =
        program(dir.path()).env("ROCKET_PROFILE", "release").arg("seed").output().unwrap();
    let error = String::from_utf8(release.stderr).unwrap();
    assert!(error.starts_with("Error: seed works only in debug runs"), "{error}");
}

#[test]
fn health_fails_if_the_server_is_not_healthy_or_does_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let health = |port: u16| {
        let mut program = program(dir.path());
        program.env("ROCKET_PORT", port.to_string()).env("ROCKET_ADDRESS", "0.0.0.0").arg("health");
        let output = program.output().unwrap();
        let text =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    };
    assert_eq!(health(server.port), (true, "healthy\n".to_owned()));
    std::fs::rename(dir.path().join("data/app.sqlite"), dir.path().join("gone")).unwrap();
    let (is_healthy, text) = health(server.port);
    assert!(!is_healthy && text.contains("is not healthy: HTTP/1.0 503"), "{text}");
    let port = server.port;
    drop(server);
    let (is_healthy, text) = health(port);
    assert!(!is_healthy && text.contains("does not answer"), "{text}");
}
