//! Attacks on a running server.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::server::*;

/// Returns a command for a server that reads the client's address from `X-Real-IP`.
fn behind_proxy(dir: &Path) -> Command {
    let mut program = program(dir);
    program.env("ROCKET_IP_HEADER", "X-Real-IP");
    program.env("ROCKET_DEMO", "false");
    program
}

fn from(address: &str) -> String {
    format!("X-Real-IP: {address}\r\n")
}

/// Registers 8 users, who log in repeatedly while 72 clients at another address post `form`. Returns
/// the times of the users' logins, sorted. All of them must succeed.
fn logins_during_flood(
    server: &Server,
    path: &str,
    form: impl Fn(usize) -> String + Sync,
) -> Vec<Duration> {
    let user = |n: usize| format!("username=user-{n}&password=a+horse+that+staples+batteries");
    for n in 0..8 {
        server.post("/register", &from(&format!("198.51.100.{n}")), &user(n));
    }
    let (done, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flood = || {
        while !done.load(Relaxed) {
            let form = form(count.fetch_add(1, Relaxed));
            let response = server.post(path, &from("203.0.113.7"), &form);
            assert!(!response.starts_with("HTTP/1.1 5"), "{response}");
        }
    };
    let log_in = |n: usize| {
        let mut times = Vec::new();
        for _ in 0..4 {
            let started = Instant::now();
            let response = server.post("/login", &from(&format!("198.51.100.{n}")), &user(n));
            assert!(response.starts_with("HTTP/1.1 303"), "{response}");
            times.push(started.elapsed());
            sleep(Duration::from_millis(100));
        }
        times
    };
    let mut times: Vec<_> = scope(|scope| {
        (0..72).for_each(|_| drop(scope.spawn(flood)));
        sleep(Duration::from_millis(300));
        let users: Vec<_> = (0..8).map(|n| scope.spawn(move || log_in(n))).collect();
        let times = users.into_iter().map(|user| user.join());
        let times: Vec<_> = times.collect();
        done.store(true, Relaxed);
        times.into_iter().flat_map(Result::unwrap).collect()
    });
    times.sort();
    times
}

#[test]
fn other_peoples_logins_succeed_during_a_flood_from_one_address() {
    let password = "password=a+horse+that+staples+batteries";
    for (path, name) in [("/register", "taken"), ("/register", "new-"), ("/login", "unknown-")] {
        let dir = tempfile::tempdir().unwrap();
        let mut server = start(&mut behind_proxy(dir.path()));
        let form = |n| match name {
            "taken" => format!("username=user-1&{password}"),
            _ => format!("username={name}{n}&{password}"),
        };
        let times = logins_during_flood(&server, path, form);
        let median = times[times.len() / 2];
        assert!(median < Duration::from_secs(3), "{path} {name}: {times:?}");
        let log = server.stop();
        assert!(log.contains("_throttled\""), "{path} {name}: no throttled request is in the log");
    }
}

#[test]
fn logins_in_known_browsers_succeed_during_a_flood_from_the_same_address() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let mallory = "username=mallory&password=a+horse+that+staples+batteries";
    server.post("/register", "", mallory);
    let cookies = all_cookies(&server.post("/register", "", ADA));
    let device = cookies.split([' ', ';', '\r']).find(|cookie| cookie.starts_with("device="));
    let device = device.unwrap();
    let (done, throttled) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flood = || {
        while !done.load(Relaxed) {
            if server.post("/login", "", mallory).starts_with("HTTP/1.1 429") {
                throttled.fetch_add(1, Relaxed);
            }
        }
    };
    let responses: Vec<_> = scope(|scope| {
        (0..48).for_each(|_| drop(scope.spawn(flood)));
        sleep(Duration::from_millis(500));
        let log_in = |_| server.post("/login", &format!("Cookie: {device}\r\n"), ADA);
        let responses = (0..5).map(log_in).collect();
        done.store(true, Relaxed);
        responses
    });
    for response in responses {
        assert!(response.starts_with("HTTP/1.1 303"), "{response}");
    }
    assert!(throttled.load(Relaxed) > 0, "the flood did not fill the line of the address");
}

/// Returns the cookies that a response sets, as a request header.
fn all_cookies(response: &str) -> String {
    let cookies = response.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let cookies: Vec<_> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
    format!("Cookie: {}\r\n", cookies.join("; "))
}

#[test]
fn failures_elsewhere_do_not_lock_a_user_out_of_a_browser_with_a_device_cookie() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut behind_proxy(dir.path()));
    let cookies = all_cookies(&server.post("/register", &from("198.51.100.1"), ADA));
    server.post("/logout", &cookies, "");
    let wrong = "username=ada&password=not+the+right+password";
    for n in 0..10 {
        server.post("/login", &from(&format!("203.0.113.{n}")), wrong);
    }
    for _ in 0..5 {
        let elsewhere = server.post("/login", &from("198.51.100.1"), ADA);
        assert!(elsewhere.starts_with("HTTP/1.1 429"), "{elsewhere}");
        let response = server.post("/login", &(from("198.51.100.1") + &cookies), ADA);
        assert!(response.starts_with("HTTP/1.1 303"), "{response}");
    }
}

#[test]
fn a_logout_with_the_previous_token_ends_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let old = cookie(&server.post("/register", "", ADA));
    let form = "password=a+horse+that+staples+batteries";
    let renewed = cookie(&server.post("/reauthenticate", &old, form));
    assert!(server.get("/dashboard", &renewed).contains("Welcome, ada!"));
    server.post("/logout", &old, "");
    assert!(server.get("/dashboard", &renewed).starts_with("HTTP/1.1 303"));
}

#[test]
fn http2_is_not_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let response = server.send(preface, Duration::from_secs(2));
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 4"), "{response:?}");
}

#[test]
fn a_form_with_the_method_head_gets_a_response() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    for method in ["HEAD", "head"] {
        let response = server.post("/login", "", &format!("_method={method}&username=a"));
        assert!(response.starts_with("HTTP/1.1 200"), "{response:?}");
        assert!(response.contains("<h1>Log in</h1>"), "{response:?}");
    }
    let head = "HEAD /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\r\n";
    let response = server.send(head.as_bytes(), Duration::from_secs(2));
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("\r\n\r\n"), "{response:?}");
}

#[cfg(unix)]
#[test]
fn pages_do_not_wait_for_a_log_whose_pipe_is_full() {
    let dir = tempfile::tempdir().unwrap();
    // The reader opens the pipe and never reads it. Rocket's log goes to the test.
    let script = "mkfifo pipe; sleep 60 < pipe & exec \"$0\" 2> pipe";
    let server = start(&mut scripted(dir.path(), script));
    scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..400 {
                    let response = server.post("/logout", "Sec-Fetch-Site: cross-site\r\n", "");
                    assert!(response.starts_with("HTTP/1.1 403"), "{response:?}");
                }
            });
        }
    });
    assert!(server.get("/", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_login_does_not_wait_for_the_purge_of_many_expired_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut program(dir.path()));
    server.post("/register", "", ADA);
    let file = dir.path().join("data/app.sqlite");
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    connection
        .batch_execute(
            "PRAGMA busy_timeout = 10000; PRAGMA synchronous = OFF;
             INSERT INTO sessions (user_id, token_hash, user_agent, remembered, created_at,
                                   last_seen_at, expires_at, absolute_expires_at)
             WITH RECURSIVE numbers(n) AS
                 (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 300000)
             SELECT 1, randomblob(32), '', FALSE, 0, 0, n % 1000, 0 FROM numbers;
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    for _ in 0..5 {
        assert!(server.post("/login", "", ADA).starts_with("HTTP/1.1 303"));
    }
    let mut count = || {
        use diesel::dsl::sql;
        let count =
            sql::<diesel::sql_types::BigInt>("count(*) FROM sessions WHERE expires_at < 1000");
        diesel::select(count).get_result::<i64>(&mut connection).unwrap()
    };
    let before = count();
    assert!(before > 0, "the login waited for the purge");
    sleep(Duration::from_millis(500));
    assert!(count() < before, "the purge does not go on in the background");
}
