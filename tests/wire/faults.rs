//! A locked, missing or read-only database, a full disk, and a killed server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::server::*;

fn database_file(dir: &Path) -> PathBuf {
    dir.join("data/app.sqlite")
}

fn has_status(response: &str, status: u16) -> bool {
    response.starts_with(&format!("HTTP/1.1 {status} "))
}

/// Asserts that the response is a 503 page that has `Retry-After` and sets no cookie.
#[track_caller]
fn assert_unavailable(response: &str) {
    assert!(has_status(response, 503), "{response}");
    assert!(
        response.contains("retry-after: 5\r\n") && response.contains("Temporarily unavailable"),
        "{response}"
    );
    assert!(!response.contains("set-cookie"), "{response}");
}

#[test]
fn confirmed_registrations_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(program(dir.path()).env("ROCKET_IP_HEADER", "X-Real-IP"));
    let is_killed = AtomicBool::new(false);
    let register_until_killed = |client: u32| {
        let mut cookies = Vec::new();
        for n in 0.. {
            let address = format!("X-Real-IP: 10.0.{client}.{n}\r\n");
            let form = format!("username=user{client}-{n}&password=a+horse+that+staples+batteries");
            match server.try_post("/register", &address, &form) {
                Ok(response) if has_status(&response, 303) => cookies.push(cookie(&response)),
                _ if is_killed.load(Relaxed) => break,
                other => panic!("{other:?}"),
            }
        }
        cookies
    };
    let cookies: Vec<String> = scope(|scope| {
        let clients: Vec<_> =
            (0..4).map(|n| scope.spawn(move || register_until_killed(n))).collect();
        sleep(Duration::from_millis(700));
        is_killed.store(true, Relaxed);
        server.signal("KILL");
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert!(cookies.len() > 4, "{}", cookies.len());
    server.stop();
    let server = start(&mut program(dir.path()));
    for cookie in cookies {
        assert!(has_status(&server.get("/dashboard", &cookie), 200));
    }
}

#[test]
fn writes_fail_but_reads_succeed_while_the_database_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let mut connection =
        SqliteConnection::establish(database_file(dir.path()).to_str().unwrap()).unwrap();
    connection.batch_execute("BEGIN EXCLUSIVE").unwrap();
    assert!(has_status(&server.get("/dashboard", &cookie), 200));
    assert_unavailable(&server.post("/login", "", ADA));
    assert_unavailable(&server.post("/logout", &cookie, ""));
    assert!(has_status(&server.get("/healthz", ""), 503));
    connection.batch_execute("COMMIT").unwrap();
    assert!(has_status(&server.post("/login", "", ADA), 303));
    assert!(has_status(&server.get("/dashboard", &cookie), 200));
    let output = server.stop();
    assert!(output.contains("database error: database is locked"), "{output}");
}

#[test]
fn requests_get_503s_until_a_missing_database_file_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let (file, moved) = (database_file(dir.path()), dir.path().join("moved"));
    fs::rename(&file, &moved).unwrap();
    assert_unavailable(&server.get("/dashboard", &cookie));
    assert_unavailable(&server.post("/login", "", ADA));
    assert!(has_status(&server.get("/healthz", ""), 503));
    assert!(!file.exists());
    fs::rename(&moved, &file).unwrap();
    assert!(has_status(&server.get("/dashboard", &cookie), 200));
    assert!(has_status(&server.post("/login", "", ADA), 303));
    let output = server.stop();
    assert!(output.contains("The user store failed: database error: the file is missing"));
}

#[cfg(target_os = "linux")]
#[test]
fn writes_fail_but_reads_succeed_while_the_disk_is_full() {
    use std::process::Command;
    let dir = tempfile::tempdir().unwrap();
    drop(start(&mut program(dir.path())));
    // Simulates a full disk with a limit on the file size.
    let script = "trap '' XFSZ; ulimit -S -f 200; exec \"$0\"";
    let server = start(scripted(dir.path(), script).env("ROCKET_IP_HEADER", "X-Real-IP"));
    let mut last = String::new();
    let mut cookies = Vec::new();
    for n in 0..60 {
        last = server.post(
            "/register",
            &format!("X-Real-IP: 10.0.0.{n}\r\n"),
            &format!("username=ada-{n}&password=a+horse+that+staples+batteries"),
        );
        if !has_status(&last, 303) {
            break;
        }
        cookies.push(cookie(&last));
    }
    assert_unavailable(&last);
    // The write of a health check needs less space than a registration, so it takes the rest first.
    let started = Instant::now();
    while !has_status(&server.get("/healthz", ""), 503) {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "healthz does not notice the full disk"
        );
    }
    assert!(server.get("/healthz/live", "").ends_with("alive"));
    for cookie in &cookies {
        assert!(has_status(&server.get("/dashboard", cookie), 200));
    }
    let pid = server.id().to_string();
    let prlimit = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(prlimit.unwrap().success());
    assert!(has_status(&server.post("/register", "", ADA), 303));
}

#[cfg(target_os = "linux")]
#[test]
fn writes_succeed_again_after_the_database_was_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    // Drops the capabilities that bypass file permissions, so that the permissions apply to root.
    let dropped = "--bounding-set=-dac_override,-dac_read_search";
    let script =
        format!("[ -w /etc/passwd ] && exec /usr/bin/setpriv {dropped} \"$0\"; exec \"$0\"");
    let server = start(&mut scripted(dir.path(), &script));
    let cookie = cookie(&server.post("/register", "", ADA));
    let set_mode = |mode| {
        fs::set_permissions(database_file(dir.path()), fs::Permissions::from_mode(mode)).unwrap()
    };
    set_mode(0o444);
    assert!(has_status(&server.get("/dashboard", &cookie), 200));
    // The login might succeed, because SQLite might still have the file open for writing.
    let response = server.post("/login", "", ADA);
    if !has_status(&response, 303) {
        assert_unavailable(&response);
    }
    set_mode(0o644);
    for _ in 0..5 {
        assert!(has_status(&server.post("/login", "", ADA), 303));
    }
}

#[cfg(unix)]
#[test]
fn finishes_requests_in_flight_after_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    // Sends more requests than the server can finish before the signal.
    let responses: Vec<String> = scope(|scope| {
        let register = |n: usize| {
            let form = format!("username=ada-{n}&password=a+horse+that+staples+batteries");
            server.post("/register", "", &form)
        };
        let clients: Vec<_> = (0..16).map(|n| scope.spawn(move || register(n))).collect();
        sleep(Duration::from_millis(100));
        server.signal("TERM");
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(responses.iter().all(|response| has_status(response, 303)), "{responses:?}");
    assert!(server.wait().success());
    let server = start(&mut program(dir.path()));
    for response in responses {
        assert!(has_status(&server.get("/dashboard", &cookie(&response)), 200));
    }
}
