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
#[ignore = "needs PostgreSQL, which .ci/run installs"]
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
#[ignore = "needs PostgreSQL, which .ci/run installs"]
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
#[ignore = "needs PostgreSQL, which .ci/run installs"]
fn a_page_for_a_logged_in_user_takes_one_statement() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let server = start(&mut postgres.program(dir.path()));
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
