//! Debian's PgBouncer between the app and PostgreSQL.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use diesel::connection::SimpleConnection;

use crate::postgres_server::{Postgres, is_root, number};
use crate::server::*;

/// A running PgBouncer, whose connections to PostgreSQL serve all connections of the app.
struct PgBouncer {
    process: Child,
    port: u16,
}

impl PgBouncer {
    fn start(postgres: &Postgres, mode: &str) -> PgBouncer {
        PgBouncer::configured(postgres, mode, None, "")
    }

    fn configured(postgres: &Postgres, mode: &str, port: Option<u16>, setting: &str) -> PgBouncer {
        let free_port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = port.unwrap_or_else(free_port);
        let dir = postgres.dir.path();
        let config = format!(
            "[databases]\npostgres = host={} user=app\n[pgbouncer]\npool_mode = {mode}\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n{setting}\n",
            dir.display(),
        );
        let file = dir.join(format!("pgbouncer-{}.ini", fastrand::u32(..)));
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("/usr/sbin/pgbouncer");
        if is_root() {
            command.args(["-u", "postgres"]);
        }
        let process = command.arg("-q").arg(&file).stderr(Stdio::null()).spawn();
        let pgbouncer =
            PgBouncer { process: process.expect("Debian's pgbouncer is missing"), port };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            sleep(Duration::from_millis(20));
        }
        pgbouncer
    }

    fn program(&self, postgres: &Postgres, dir: &std::path::Path) -> Command {
        let mut program = postgres.program(dir);
        program.env("DATABASE_URL", format!("postgres://app@127.0.0.1:{}/postgres", self.port));
        program
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Registers, opens pages, logs out and logs in again on `server`, and asserts each response.
fn use_site(server: &Server, user: usize) {
    let form = format!("username=user-{user}&password=a+horse+that+staples+batteries");
    let mut cookies = cookie(&server.post("/register", "", &form));
    for _ in 0..3 {
        for page in ["/dashboard", "/account"] {
            let response = server.get(page, &cookies);
            assert!(response.contains(&format!("user-{user}")), "{response}");
        }
        let response = server.post("/logout", &cookies, "");
        assert!(response.starts_with("HTTP/1.1 303"), "{response}");
        cookies = cookie(&server.post("/login", "", &form));
    }
}

#[test]
#[ignore = "needs PostgreSQL and PgBouncer"]
fn sessions_survive_behind_pgbouncer_in_transaction_mode() {
    let postgres = Postgres::start();
    let pgbouncer = PgBouncer::start(&postgres, "transaction");
    let dir = tempfile::tempdir().unwrap();
    let mut servers = [0, 1].map(|_| start(&mut pgbouncer.program(&postgres, dir.path())));
    std::thread::scope(|scope| {
        for user in 0..8 {
            let server = &servers[user % 2];
            scope.spawn(move || use_site(server, user));
        }
    });
    assert_eq!(number(&postgres, "SELECT count(*) AS number FROM sessions"), 8);
    for server in &mut servers {
        let warning = "Behind this pooler, the database user needs a statement_timeout";
        assert!(server.launch.contains(warning) || server.stop().contains(warning));
    }
    // The database user's own timeouts apply.
    postgres.connect().batch_execute("ALTER ROLE app SET statement_timeout = '4s'").unwrap();
    let second = PgBouncer::start(&postgres, "transaction");
    let mut server = start(&mut second.program(&postgres, dir.path()));
    assert!(
        !server.launch.contains("statement_timeout")
            && !server.stop().contains("statement_timeout")
    );
}

/// Two processes that share a port are how PgBouncer uses several cores.
#[test]
#[ignore = "needs PostgreSQL and PgBouncer"]
fn detects_two_poolers_on_one_port_and_poolers_that_use_their_connections_in_turn() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    let first = PgBouncer::configured(&postgres, "transaction", None, "so_reuseport = 1");
    let _second =
        PgBouncer::configured(&postgres, "transaction", Some(first.port), "so_reuseport = 1");
    let in_turn = PgBouncer::configured(&postgres, "transaction", None, "server_round_robin = 1");
    for pgbouncer in [&first, &first, &first, &in_turn, &in_turn, &in_turn] {
        let mut server = start(&mut pgbouncer.program(&postgres, dir.path()));
        sleep(Duration::from_millis(200));
        assert!((server.launch.clone() + &server.stop()).contains("Behind this pooler"));
    }
}

#[test]
#[ignore = "needs PostgreSQL and PgBouncer"]
fn prepared_statements_are_used_unless_a_pooler_shares_connections() {
    let postgres = Postgres::start();
    let session_mode = PgBouncer::start(&postgres, "session");
    let transaction_mode = PgBouncer::start(&postgres, "transaction");
    let dir = tempfile::tempdir().unwrap();
    let off = ("ROCKET_DATABASE_PREPARED_STATEMENTS", "false");
    let programs = [
        (postgres.program(dir.path()), true),
        (session_mode.program(&postgres, dir.path()), true),
        (transaction_mode.program(&postgres, dir.path()), false),
        (postgres.program(dir.path()), false),
    ];
    let mut connection = postgres.connect();
    connection.batch_execute("ALTER SYSTEM SET log_statement = 'all'").unwrap();
    connection.batch_execute("SELECT pg_reload_conf()").unwrap();
    let log = || std::fs::read_to_string(postgres.dir.path().join("log")).unwrap();
    for (n, (mut program, is_used)) in programs.into_iter().enumerate() {
        if n == 3 {
            program.env(off.0, off.1);
        }
        let before = log().len();
        use_site(&start(&mut program), n);
        assert_eq!(log()[before..].contains("execute __diesel_stmt_"), is_used, "{n}");
        // A pooler would give these settings to other clients.
        assert_eq!(log()[before..].contains("SET lock_timeout"), is_used, "{n}");
    }
}
