//! Several instances on one PostgreSQL server, restarts of PostgreSQL, and lost connections.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::postgres_server::{Postgres, number};
use crate::server::*;

#[test]
#[ignore = "needs PostgreSQL"]
fn instances_that_start_together_migrate_once_and_share_sessions() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let mut programs: Vec<_> = (0..4).map(|_| postgres.program(dir.path())).collect();
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            programs.iter_mut().map(|program| scope.spawn(|| start(program))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let [first, second, ..] = &servers[..] else { unreachable!() };
    let cookie = cookie(&first.post("/register", "", ADA));
    assert!(second.get("/dashboard", &cookie).contains("Welcome, ada!"));
    assert!(second.post("/logout", &cookie, "").starts_with("HTTP/1.1 303"));
    for server in &servers {
        assert!(server.get("/dashboard", &cookie).starts_with("HTTP/1.1 303"));
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn each_connection_fails_at_most_once_after_a_database_restart() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut postgres.program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let get_dashboard = || server.get("/dashboard", &cookie);
    let use_all_connections = || {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(get_dashboard);
            }
        });
    };
    use_all_connections();
    postgres.pg_ctl("stop");
    let response = get_dashboard();
    assert!(response.starts_with("HTTP/1.1 503") && !response.contains("set-cookie"), "{response}");
    assert!(response.contains("Temporarily unavailable"));
    use_all_connections();
    postgres.pg_ctl("start");
    let started = Instant::now();
    while !get_dashboard().starts_with("HTTP/1.1 200") {
        assert!(started.elapsed() < Duration::from_secs(10), "the server did not recover");
        sleep(Duration::from_millis(50));
    }
    use_all_connections();
    postgres.pg_ctl("restart");
    let pool_size = std::thread::available_parallelism().unwrap().get().max(4);
    let failures = (0..40).filter(|_| !get_dashboard().starts_with("HTTP/1.1 200")).count();
    assert!(failures <= pool_size, "{failures} requests failed");
    for _ in 0..20 {
        assert!(get_dashboard().starts_with("HTTP/1.1 200"));
    }
    let log = server.stop();
    assert!(log.contains("timed out waiting for connection: PostgreSQL accepts no connection"));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_page_for_a_logged_in_user_takes_one_statement() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let mut program = postgres.program(dir.path());
    program.env("ROCKET_DEMO", "false"); // Its panel takes another statement.
    let server = start(&mut program);
    let cookie = cookie(&server.post("/register", "", ADA));
    server.get("/dashboard", &cookie);
    let mut connection = postgres.connect();
    connection.batch_execute("ALTER SYSTEM SET log_statement = 'all'").unwrap();
    connection.batch_execute("SELECT pg_reload_conf()").unwrap();
    sleep(Duration::from_millis(200));
    let log = postgres.dir.path().join("log");
    let before = std::fs::read_to_string(&log).unwrap().matches(" execute ").count();
    for _ in 0..5 {
        assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
    }
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text.matches(" execute ").count() - before, 5, "{text}");
    assert_eq!(text.matches("statement:").count(), 0, "{text}");
}

/// Sends a login with a wrong password, and returns the status.
fn fail_login(server: &Server, username: &str) -> String {
    let form = format!("username={username}&password=not+the+right+password");
    server.post("/login", "", &form)["HTTP/1.1 ".len()..][..3].to_owned()
}

#[test]
#[ignore = "needs PostgreSQL"]
fn instances_share_the_counts_of_failures_even_after_a_restart() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let start_two = || [0, 1].map(|_| start(&mut postgres.program(dir.path())));
    let mut servers = start_two();
    servers[0].post("/register", "", ADA);
    for username in ["ada", "unknown"] {
        let statuses: Vec<_> = (0..12).map(|n| fail_login(&servers[n % 2], username)).collect();
        assert_eq!(statuses[..10], ["422"; 10], "{username}");
        assert_eq!(statuses[10..], ["429"; 2], "{username}");
    }
    servers = start_two();
    for server in &servers {
        assert_eq!(fail_login(server, "ada"), "429");
        assert_eq!(fail_login(server, "another"), "422");
    }
    // The names are not readable in the database.
    let query = "SELECT count(*) AS number FROM buckets WHERE length(key) = 32";
    assert_eq!(
        number(&postgres, query),
        5,
        "expected three usernames, an address and its registrations"
    );
    // The correct password resets the count on both instances.
    postgres.connect().batch_execute("UPDATE buckets SET blocked_until = 0").unwrap();
    assert!(servers[0].post("/login", "", ADA).starts_with("HTTP/1.1 303"));
    for n in 0..10 {
        assert_eq!(fail_login(&servers[1], "ada"), "422", "{n}");
    }
    assert_eq!(fail_login(&servers[0], "ada"), "429");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn concurrent_attempts_on_two_instances_reveal_at_most_10_results() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let servers = [0, 1].map(|_| start(&mut postgres.program(dir.path())));
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let servers = &servers;
        let attempt = |n: usize| scope.spawn(move || fail_login(&servers[n % 2], "ada"));
        let attempts: Vec<_> = (0..36).map(attempt).collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    let revealed = statuses.iter().filter(|status| *status == "422");
    assert_eq!(revealed.count(), 10, "{statuses:?}");
}

#[test]
#[ignore = "needs PostgreSQL"]
fn one_instance_at_a_time_purges_expired_rows_and_excess_counts() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut postgres.program(dir.path()));
    server.post("/register", "", ADA);
    let mut connection = postgres.connect();
    let expired = "SELECT (SELECT count(*) FROM sessions WHERE expires_at = 0) + (SELECT count(*)
        FROM buckets WHERE empty_at = 0 OR empty_at = 9999999999) AS number";
    let counts = "SELECT count(*) AS number FROM buckets";
    let number = |query| number(&postgres, query);
    connection
        .batch_execute(
            "INSERT INTO sessions (user_id, token_hash, user_agent, remembered, created_at,
                                   last_seen_at, expires_at, absolute_expires_at)
             SELECT 1, sha256(n::text::bytea), '', FALSE, 0, 0, 0, 0 FROM generate_series(1, 2000) n;
             INSERT INTO buckets SELECT sha256(n::text::bytea), (n % 2) * 9999999999, 0
             FROM generate_series(1, 2000) n;
             INSERT INTO buckets SELECT sha256(n::text::bytea), extract(epoch FROM now()) + 9999 + n / 9, 0
             FROM generate_series(100001, 201000) n;
             SELECT pg_advisory_lock(7073225518)",
        )
        .unwrap();
    let purge = || fail_login(&server, "ada");
    for _ in 0..3 {
        purge();
        sleep(Duration::from_millis(600));
    }
    assert!(number(expired) >= 4000, "the lock of another instance has no effect");
    connection.batch_execute("SELECT pg_advisory_unlock(7073225518)").unwrap();
    let started = Instant::now();
    while number(expired) > 0 || number(counts) > 100_000 {
        assert!(started.elapsed() < Duration::from_secs(20), "the rows were not purged");
        purge();
        sleep(Duration::from_millis(200));
    }
    assert_eq!(number(counts), 100_000);
}

/// Makes the server open all its connections: while the table is locked, each request keeps its connection.
fn fill_pool(postgres: &Postgres, server: &Server) {
    let mut lock = postgres.connect();
    lock.batch_execute("BEGIN; LOCK TABLE users").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| server.get("/healthz", ""));
        }
        sleep(Duration::from_secs(1));
        lock.batch_execute("ROLLBACK").unwrap();
    });
}

#[test]
#[ignore = "needs PostgreSQL"]
fn the_setting_database_pool_limits_the_connections() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let query = "SELECT count(*) AS number FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let default = std::thread::available_parallelism().unwrap().get().max(4) as i64;
    for (setting, expected) in [(None, default), (Some("1"), 1), (Some("12"), 12)] {
        let mut program = postgres.program(dir.path());
        program.env("ROCKET_DATABASE_POOL", setting.unwrap_or_default());
        if setting.is_none() {
            program.env_remove("ROCKET_DATABASE_POOL");
        }
        let server = start(&mut program);
        fill_pool(&postgres, &server);
        assert_eq!(number(&postgres, query), expected, "{setting:?}");
        assert!(server.get("/healthz", "").ends_with("ok"));
    }
    let error = error_of(postgres.program(dir.path()).env("ROCKET_DATABASE_POOL", "0"));
    assert!(error.contains("The setting database_pool"), "{error}");
}

/// Drops the packets of all connections to a port that exist now. Later connections work.
struct LostConnections(Vec<String>);

impl LostConnections {
    fn to_port(port: u16) -> LostConnections {
        let filter = format!("( sport = :{port} or dport = :{port} )");
        let output = Command::new("ss").args(["-Htn", "state", "established", &filter]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let ports = text.split_whitespace().filter_map(|word| word.strip_prefix("127.0.0.1:"));
        let server_port = port.to_string();
        let mut ports: Vec<_> =
            ports.filter(|port| *port != server_port).map(str::to_owned).collect();
        ports.sort();
        ports.dedup();
        assert!(!ports.is_empty(), "{text}");
        for port in &ports {
            LostConnections::change("--append", port);
        }
        LostConnections(ports)
    }

    fn change(action: &str, port: &str) {
        for side in ["--sport", "--dport"] {
            let rule = ["-w", action, "INPUT", "-i", "lo", "-p", "tcp", side, port, "-j", "DROP"];
            assert!(Command::new("iptables").args(rule).status().unwrap().success());
        }
    }
}

impl Drop for LostConnections {
    fn drop(&mut self) {
        for port in &self.0 {
            LostConnections::change("--delete", port);
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL, iptables and root"]
fn the_app_replaces_connections_whose_packets_are_lost() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let postgres = Postgres::start_on(Some(port));
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut postgres.program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let is_ok = || server.get("/dashboard", &cookie).starts_with("HTTP/1.1 200");
    fill_pool(&postgres, &server);
    assert!(is_ok());
    let lost = LostConnections::to_port(port);
    let started = Instant::now();
    while !is_ok() {
        assert!(started.elapsed() < Duration::from_secs(20), "the connections were not replaced");
    }
    drop(lost);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_migration_does_not_wait_long_for_a_table() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    drop(start(&mut postgres.program(dir.path())));
    let mut connection = postgres.connect();
    // Restores the schema of an earlier release, which did not have this column.
    let downgrade = "ALTER TABLE sessions DROP COLUMN previous_token_hash;
        DELETE FROM __diesel_schema_migrations WHERE version = '20261126110000'";
    connection.batch_execute(downgrade).unwrap();
    connection.batch_execute("BEGIN; SELECT count(*) FROM sessions").unwrap();
    let error = error_of(&mut postgres.program(dir.path()));
    assert!(error.contains("lock timeout"), "{error}");
    connection.batch_execute("COMMIT").unwrap();
    start(&mut postgres.program(dir.path())).post("/register", "", ADA);
    assert_eq!(number(&postgres, "SELECT count(*) AS number FROM sessions"), 1);
}

#[test]
#[ignore = "needs PostgreSQL"]
fn instances_log_an_error_if_their_secret_keys_differ() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let [first, second] =
        ["PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=", &"abcd".repeat(16)].map(str::to_owned);
    let log = |key: &str, previous: &str| {
        let mut program = postgres.program(dir.path());
        program.env("ROCKET_SECRET_KEY", key).env("ROCKET_PREVIOUS_SECRET_KEYS", previous);
        let mut server = start(&mut program);
        sleep(Duration::from_secs(1));
        assert!(server.get("/healthz", "").ends_with("ok"));
        server.launch.clone() + &server.stop()
    };
    let warning = "Another instance uses a different secret key";
    assert!(!log(&first, "").contains(warning));
    assert!(!log(&second, &first).contains(warning), "the previous key is accepted");
    assert!(!log(&second, "").contains(warning), "the instance with the first key has stopped");
    // Stands for an instance that still runs and records its key again.
    let record = "UPDATE key_fingerprints SET last_used_at = extract(epoch FROM now()) + 9";
    postgres.connect().batch_execute(record).unwrap();
    assert!(!log(&second, &first).contains(warning), "the previous key is accepted");
    assert!(log(&second, "").contains(warning));
    let query = "SELECT max(length(fingerprint))::bigint AS number FROM key_fingerprints";
    assert_eq!(number(&postgres, query), 8);
}

#[test]
#[ignore = "needs PostgreSQL, and root to mount a small disk"]
fn healthz_notices_that_the_disk_of_postgresql_is_full() {
    let disk = SmallDisk::mount();
    let postgres = Postgres::start_in(&disk.0, None);
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut postgres.program(dir.path()));
    let is_ready = || server.get("/healthz", "").ends_with("ok");
    let wait_until_ready = |expected| {
        let started = Instant::now();
        while is_ready() != expected {
            assert!(started.elapsed() < Duration::from_secs(20), "expected ready = {expected}");
            sleep(Duration::from_millis(200));
        }
    };
    wait_until_ready(true);
    let file = disk.0.join("file");
    let _ = std::fs::write(&file, vec![0; SmallDisk::SIZE]); // as much as fits
    wait_until_ready(false);
    assert!(server.get("/healthz/live", "").ends_with("alive"));
    std::fs::remove_file(file).unwrap();
    wait_until_ready(true);
}

/// A file system in memory.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    const SIZE: usize = 128 << 20;

    fn mount() -> SmallDisk {
        let path = tempfile::tempdir().unwrap().keep();
        let size = format!("size={}", SmallDisk::SIZE);
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path);
        assert!(mount.status().unwrap().success());
        SmallDisk(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
#[ignore = "needs PostgreSQL"]
fn the_log_names_the_database_without_its_password() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut postgres.program(dir.path()));
    let expected =
        format!("The database is PostgreSQL at {}", &postgres.url()["postgres://app@".len()..]);
    assert!(server.launch.contains(&expected), "{}", server.launch);
    for password in [
        "p#s/w@rd%",
        "hunter2%",
        "hunter2@/%zz",
        "hunter2%00",
        "hunter2][",
        "hunter2/x",
        "12345678/hunter2",
    ] {
        let url = format!("postgres://app:{password}@db.invalid/app?hunter2");
        let error = error_of(postgres.program(dir.path()).env("DATABASE_URL", &url));
        assert!(
            !error.contains("12345678") && !error.contains("hunter2") && !error.contains("w@rd"),
            "{error}"
        );
    }
}
