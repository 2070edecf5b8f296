//! A PostgreSQL server for each test.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::prelude::*;
use tempfile::TempDir;

use crate::server::program;

/// A PostgreSQL server for one test, with its data and its socket in a temporary directory.
pub struct Postgres {
    pub dir: TempDir,
    bin: PathBuf,
    port: Option<u16>,
}

impl Postgres {
    /// Starts a server on a socket.
    pub fn start() -> Postgres {
        Postgres::start_on(None)
    }

    /// Starts a server on a port of 127.0.0.1 too.
    pub fn start_on(port: Option<u16>) -> Postgres {
        Postgres::start_in(&std::env::temp_dir(), port)
    }

    /// Starts a server whose files are in a new directory below `parent`.
    pub fn start_in(parent: &Path, port: Option<u16>) -> Postgres {
        let versions = std::fs::read_dir("/usr/lib/postgresql")
            .expect("Debian's package postgresql is missing");
        let newest = versions.map(|version| version.unwrap().path()).max().unwrap();
        let postgres =
            Postgres { dir: tempfile::tempdir_in(parent).unwrap(), bin: newest.join("bin"), port };
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

    pub fn pg_ctl(&self, action: &str) {
        let dir = self.dir.path().display();
        let mut options = format!("-c unix_socket_directories={dir}");
        options += &match self.port {
            Some(port) => format!(" -c listen_addresses=127.0.0.1 -c port={port}"),
            None => " -c listen_addresses=".to_owned(),
        };
        let log = format!("{dir}/log");
        self.run(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-s", "-m", "fast", "-l", &log, "-o", &options, action],
        );
    }

    pub fn url(&self) -> String {
        if let Some(port) = self.port {
            return format!("postgres://app@127.0.0.1:{port}/postgres");
        }
        let socket_dir = self.dir.path().display().to_string().replace('/', "%2F");
        format!("postgres://app@{socket_dir}/postgres")
    }

    pub fn program(&self, dir: &Path) -> Command {
        let mut program = program(dir);
        // Gives all instances the same key, so that a cookie works on every instance.
        let key = "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=";
        program.env("DATABASE_URL", self.url()).env("ROCKET_SECRET_KEY", key);
        program
    }

    pub fn connect(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.pg_ctl("stop");
    }
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// Runs a query that selects a single value named `number`, and returns the value.
pub fn number(postgres: &Postgres, query: &str) -> i64 {
    let row: Number = diesel::sql_query(query).get_result(&mut postgres.connect()).unwrap();
    row.number
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}
