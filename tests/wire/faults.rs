//! A locked, missing, full or read-only database, and a killed program.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::server::*;

fn file(dir: &Path) -> PathBuf {
    dir.join("data/app.sqlite")
}

fn is(response: &str, status: u16) -> bool {
    response.starts_with(&format!("HTTP/1.1 {status} "))
}

/// Asserts a 503 page with `Retry-After` that does not touch the cookie.
#[track_caller]
fn assert_apology(response: &str) {
    assert!(is(response, 503), "{response}");
    assert!(
        response.contains("retry-after: 5\r\n") && response.contains("Temporarily unavailable"),
        "{response}"
    );
    assert!(!response.contains("set-cookie"), "{response}");
}

#[test]
fn confirmed_registrations_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    let is_over = AtomicBool::new(false);
    let visits = |visitor: u32| {
        let mut cookies = Vec::new();
        for n in 0.. {
            let form = format!("username=v{visitor}-{n}&password=a+horse+that+staples+batteries");
            match server.try_to_post("/register", "", &form) {
                Ok(response) if is(&response, 303) => cookies.push(cookie(&response)),
                _ if is_over.load(Relaxed) => break,
                other => panic!("{other:?}"),
            }
        }
        cookies
    };
    let cookies: Vec<String> = scope(|scope| {
        let visitors: Vec<_> = (0..4).map(|n| scope.spawn(move || visits(n))).collect();
        sleep(Duration::from_millis(700));
        is_over.store(true, Relaxed);
        server.signal("KILL");
        visitors.into_iter().flat_map(|visitor| visitor.join().unwrap()).collect()
    });
    assert!(cookies.len() > 4, "{}", cookies.len());
    server.stop();
    let server = start(&mut program(dir.path()));
    for cookie in cookies {
        assert!(is(&server.get("/dashboard", &cookie), 200));
    }
}

#[test]
fn a_locked_file_delays_writes_and_not_reads() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let mut other = SqliteConnection::establish(file(dir.path()).to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    assert!(is(&server.get("/dashboard", &cookie), 200));
    assert_apology(&server.post("/login", "", ADA));
    assert_apology(&server.post("/logout", &cookie, ""));
    other.batch_execute("COMMIT").unwrap();
    assert!(is(&server.post("/login", "", ADA), 303));
    assert!(is(&server.get("/dashboard", &cookie), 200));
    let said = server.stop();
    assert!(said.contains("database error: database is locked"), "{said}");
}

#[test]
fn a_missing_file_is_a_503_until_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let (file, elsewhere) = (file(dir.path()), dir.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    assert_apology(&server.get("/dashboard", &cookie));
    assert_apology(&server.post("/login", "", ADA));
    assert!(is(&server.get("/healthz", ""), 503));
    assert!(!file.exists());
    fs::rename(&elsewhere, &file).unwrap();
    assert!(is(&server.get("/dashboard", &cookie), 200));
    assert!(is(&server.post("/login", "", ADA), 303));
    let said = server.stop();
    assert!(said.contains("The store of users failed: database error: "), "{said}");
    assert!(said.contains("the file is missing"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_writes_and_not_reads() {
    use std::process::Command;
    let dir = tempfile::tempdir().unwrap();
    drop(start(&mut program(dir.path())));
    let room = "trap '' XFSZ; ulimit -S -f 200; exec \"$0\"";
    let server = start(&mut scripted(dir.path(), room));
    let mut last = String::new();
    let mut cookies = Vec::new();
    for n in 0..60 {
        last = server.post(
            "/register",
            "",
            &format!("username=ada-{n}&password=a+horse+that+staples+batteries"),
        );
        if !is(&last, 303) {
            break;
        }
        cookies.push(cookie(&last));
    }
    assert_apology(&last);
    for cookie in &cookies {
        assert!(is(&server.get("/dashboard", cookie), 200));
    }
    let pid = server.id().to_string();
    let more = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(more.unwrap().success());
    assert!(is(&server.post("/register", "", ADA), 303));
}

#[cfg(target_os = "linux")]
#[test]
fn writes_again_after_the_file_was_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    // Without these capabilities, file modes apply to root too.
    let as_others = "--bounding-set=-dac_override,-dac_read_search";
    let script =
        format!("[ -w /etc/passwd ] && exec /usr/bin/setpriv {as_others} \"$0\"; exec \"$0\"");
    let server = start(&mut scripted(dir.path(), &script));
    let cookie = cookie(&server.post("/register", "", ADA));
    let set =
        |mode| fs::set_permissions(file(dir.path()), fs::Permissions::from_mode(mode)).unwrap();
    set(0o444);
    assert!(is(&server.get("/dashboard", &cookie), 200));
    // SQLite may still have the file open for writing.
    let meanwhile = server.post("/login", "", ADA);
    if !is(&meanwhile, 303) {
        assert_apology(&meanwhile);
    }
    set(0o644);
    for _ in 0..5 {
        assert!(is(&server.post("/login", "", ADA), 303));
    }
}

#[cfg(unix)]
#[test]
fn finishes_requests_in_flight_after_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut program(dir.path()));
    // More than can be hashed before the signal, so some are still in flight.
    let responses: Vec<String> = scope(|scope| {
        let register = |n: usize| {
            let form = format!("username=ada-{n}&password=a+horse+that+staples+batteries");
            server.post("/register", "", &form)
        };
        let visitors: Vec<_> = (0..16).map(|n| scope.spawn(move || register(n))).collect();
        sleep(Duration::from_millis(100));
        server.signal("TERM");
        visitors.into_iter().map(|visitor| visitor.join().unwrap()).collect()
    });
    assert!(responses.iter().all(|response| is(response, 303)), "{responses:?}");
    assert!(server.wait().success());
    let server = start(&mut program(dir.path()));
    for response in responses {
        assert!(is(&server.get("/dashboard", &cookie(&response)), 200));
    }
}
