//! Several instances on one PostgreSQL server, and restarts of PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

use crate::server::*;

/// A PostgreSQL server for one test, with its data and its socket in a temporary directory.
struct Postgres {
    dir: TempDir,
    bin: PathBuf,
}

impl Postgres {
    fn start() -> Postgres {
        let versions = std::fs::read_dir("/usr/lib/postgresql")
            .expect("Debian's package postgresql is missing");
        let newest = versions.map(|version| version.unwrap().path()).max().unwrap();
        let postgres = Postgres { dir: tempfile::tempdir().unwrap(), bin: newest.join("bin") };
        // Gives the directory to the user postgres, because PostgreSQL refuses to run as root.
        let _ = Command::new("chown").arg("postgres").arg(postgres.dir.path()).output();
        let data = postgres.data();
        postgres.run("initdb", &["-D", &data, "-U", "app", "--auth=trust", "--no-sync"]);
        postgres.pg_ctl("start");
        postgres
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn run(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(self.bin.join(name));
        if is_root() {
            command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(self.bin.join(name));
        }
        let output = command.args(arguments).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }

    fn pg_ctl(&self, action: &str) {
        let dir = self.dir.path().display();
        let options = format!("-c listen_addresses= -c unix_socket_directories={dir}");
        let log = format!("{dir}/log");
        self.run(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-s", "-m", "fast", "-l", &log, "-o", &options, action],
        );
    }

    fn url(&self) -> String {
        let socket_dir = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://app@{socket_dir}/postgres")
    }

    fn program(&self, dir: &Path) -> Command {
        let mut program = program(dir);
        // Gives all instances the same key, so that a cookie works on every instance.
        let key = "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=";
        program.env("DATABASE_URL", self.url()).env("ROCKET_SECRET_KEY", key);
        program
    }

    fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.pg_ctl("stop");
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

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
    let row: Number = diesel::sql_query(query).get_result(&mut postgres.connect()).unwrap();
    assert_eq!(row.number, 5, "expected three usernames, an address and its registrations");
    // The correct password resets the count on both instances.
    postgres.connect().batch_execute("UPDATE buckets SET blocked_until = 0").unwrap();
    assert!(servers[0].post("/login", "", ADA).starts_with("HTTP/1.1 303"));
    for n in 0..10 {
        assert_eq!(fail_login(&servers[1], "ada"), "422", "{n}");
    }
    assert_eq!(fail_login(&servers[0], "ada"), "429");
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
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
    let number = |query: &str| {
        let row: Number = diesel::sql_query(query).get_result(&mut postgres.connect()).unwrap();
        row.number
    };
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
