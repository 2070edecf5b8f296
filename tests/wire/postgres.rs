//! Several instances on one PostgreSQL server, and restarts of the server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tempfile::TempDir;

use crate::server::*;

/// A PostgreSQL server for one test, on a socket in its own folder.
struct Postgres {
    dir: TempDir,
    tools: PathBuf,
}

impl Postgres {
    fn start() -> Postgres {
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("Debian's postgresql");
        let newest = versions.map(|version| version.unwrap().path()).max().unwrap();
        let postgres = Postgres { dir: tempfile::tempdir().unwrap(), tools: newest.join("bin") };
        // PostgreSQL refuses to run as root, so it runs as its own user.
        let _ = Command::new("chown").arg("postgres").arg(postgres.dir.path()).output();
        let data = postgres.data();
        postgres.tool("initdb", &["-D", &data, "-U", "app", "--auth=trust", "--no-sync"]);
        postgres.ctl("start");
        postgres
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn tool(&self, name: &str, arguments: &[&str]) {
        let mut command = Command::new(self.tools.join(name));
        if is_root() {
            command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(self.tools.join(name));
        }
        let output = command.args(arguments).current_dir(self.dir.path()).output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }

    fn ctl(&self, verb: &str) {
        let socket = self.dir.path().display();
        let options = format!("-c listen_addresses= -c unix_socket_directories={socket}");
        let log = format!("{socket}/log");
        self.tool(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-s", "-m", "fast", "-l", &log, "-o", &options, verb],
        );
    }

    fn url(&self) -> String {
        let socket = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://app@{socket}/postgres")
    }

    fn program(&self, dir: &Path) -> Command {
        let mut program = program(dir);
        // One key for all instances, so that they can decrypt each other's cookies.
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
        self.ctl("stop");
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

#[test]
#[ignore = "needs PostgreSQL's programs: .ci/run installs them"]
fn instances_that_start_together_migrate_once_and_share_every_session() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let mut programs: Vec<_> = (0..4).map(|_| postgres.program(dir.path())).collect();
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            programs.iter_mut().map(|program| scope.spawn(|| start(program))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let [one, other, ..] = &servers[..] else { unreachable!() };
    let cookie = cookie(&one.post("/register", "", ADA));
    assert!(other.get("/dashboard", &cookie).contains("Welcome, ada!"));
    assert!(other.post("/logout", &cookie, "").starts_with("HTTP/1.1 303"));
    for server in &servers {
        assert!(server.get("/dashboard", &cookie).starts_with("HTTP/1.1 303"));
    }
}

#[test]
#[ignore = "needs PostgreSQL's programs: .ci/run installs them"]
fn after_a_restart_each_connection_fails_at_most_once() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let mut server = start(&mut postgres.program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    let visit = || server.get("/dashboard", &cookie);
    let visit_all_connections = || {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(visit);
            }
        });
    };
    visit_all_connections();
    postgres.ctl("stop");
    let response = visit();
    assert!(response.starts_with("HTTP/1.1 503") && !response.contains("set-cookie"), "{response}");
    assert!(response.contains("Temporarily unavailable"));
    visit_all_connections();
    postgres.ctl("start");
    let begin = Instant::now();
    while !visit().starts_with("HTTP/1.1 200") {
        assert!(begin.elapsed() < Duration::from_secs(10), "it does not recover");
        sleep(Duration::from_millis(50));
    }
    visit_all_connections();
    postgres.ctl("restart");
    let pool_size = std::thread::available_parallelism().unwrap().get().max(4);
    let failures = (0..40).filter(|_| !visit().starts_with("HTTP/1.1 200")).count();
    assert!(failures <= pool_size, "{failures} requests failed");
    for _ in 0..20 {
        assert!(visit().starts_with("HTTP/1.1 200"));
    }
    let log = server.stop();
    assert!(log.contains("timed out waiting for connection: PostgreSQL accepts no connection"));
}

#[test]
#[ignore = "needs PostgreSQL's programs: .ci/run installs them"]
fn a_page_of_a_logged_in_user_is_one_statement() {
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
