//! The commands of the pages about production, in a directory that stands for the server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use ::diesel::connection::SimpleConnection;
use ::diesel::prelude::*;
use tempfile::TempDir;

use crate::how_to::lock_program;
use crate::markdown::*;
use crate::server::{ADA, Server, binary, cookie, program, start};
use crate::tutorial::Reader;

/// Programs that need root or a service, replaced by scripts without these needs.
const REPLACED: [(&str, &str); 5] = [
    ("sudo", "if [ \"$1\" = -u ]; then shift 2; fi; exec env \"$@\""),
    ("runuser", "shift 2; exec \"$@\""),
    ("systemctl", "echo systemctl \"$@\""),
    ("install", "exec /usr/bin/install $(echo \"$@\" | sed 's/-o app -g app//')"),
    ("chown", ":"),
];

/// A directory with the files of a server.
pub struct Machine(TempDir);

impl Machine {
    pub fn new() -> Machine {
        let dir = TempDir::new().unwrap();
        for name in ["bin", "etc", "opt/app", "var/lib/app", "var/backups"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        for (name, script) in REPLACED {
            let file = dir.path().join("bin").join(name);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        symlink(binary(), dir.path().join("opt/app/app")).unwrap();
        Machine(dir)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path().join(file)).unwrap()
    }

    fn is_private(&self, file: &str) -> bool {
        fs::metadata(self.path().join(file)).unwrap().permissions().mode() & 0o077 == 0
    }

    /// Runs the blocks of a section that contain `text`, with the paths of this machine.
    #[track_caller]
    fn run(&self, page: &str, text: &str) -> String {
        let mut output = String::new();
        let blocks = blocks(page);
        let mut found = blocks.iter().filter(|block| block.text.contains(text)).peekable();
        assert!(found.peek().is_some(), "{page} has no block with {text}");
        for block in found {
            output += &self.shell(&block.text);
        }
        output
    }

    #[track_caller]
    pub fn shell(&self, script: &str) -> String {
        let (is_success, output) = self.try_shell(script);
        assert!(is_success, "{script}\n{output}");
        output
    }

    /// Runs a script for at most 30 seconds. Returns whether it succeeded, and its output.
    pub fn try_shell(&self, script: &str) -> (bool, String) {
        let mut script = script.to_owned();
        for dir in ["/etc/", "/var/", "/opt/"] {
            let moved = format!("{}{dir}", self.path().display());
            script = script.replace(dir, &moved);
        }
        let path = format!("{}/bin:{}", self.path().display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("timeout");
        shell.args(["30", "sh", "-e", "-c", &script]).env("PATH", path).current_dir(self.path());
        // For the scripts in `deploy`.
        shell.env("DESTDIR", self.path());
        let output = shell.output().unwrap();
        let is_success = output.status.success();
        let text = if is_success { output.stdout } else { output.stderr };
        (is_success, String::from_utf8(text).unwrap())
    }

    /// Starts the app with its database in `var/lib/app`.
    pub fn start(&self) -> Server {
        let mut program = program(self.path());
        program.env("ROCKET_DATA_DIR", self.path().join("var/lib/app"));
        start(program.env("ROCKET_SECRET_KEY", "PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs="))
    }
}

pub fn is_logged_in(server: &Server, cookie: &str) -> bool {
    let response = server.get("/api/me", &format!("Accept: application/json\r\n{cookie}"));
    response.starts_with("HTTP/1.1 200")
}

const NGINX: &str = "docs/how-to/nginx.md";
const SECRET_KEY: &str = "docs/how-to/secret-key.md";
const POSTGRESQL: &str = "docs/how-to/postgresql.md";
const BACKUPS: &str = "docs/how-to/backups.md";

#[test]
#[ignore = "builds the app"]
fn the_key_page_shows_the_output_of_its_commands() {
    let _lock = lock_program();
    let dir = TempDir::new().unwrap();
    let mut reader = Reader::new(dir.path().join("empty"));
    reader.dir = ROOT.into();
    reader.follow(SECRET_KEY);
}

#[test]
fn the_commands_write_and_rotate_a_private_key() {
    let machine = Machine::new();
    machine.run(NGINX, "install -m 600");
    let first = machine.read("etc/app.env");
    assert!(first.starts_with("ROCKET_SECRET_KEY=") && first.lines().count() == 1, "{first}");
    assert!(machine.is_private("etc/app.env"));

    fs::write(machine.path().join("etc/app.env"), format!("{first}DATABASE_URL=x\n")).unwrap();
    let is_private = || {
        let new = machine.path().join("etc/app.env.new");
        machine.is_private("etc/app.env") && !new.exists()
    };
    // Twice, because the second rotation replaces the previous key of the first.
    let mut old = first;
    for _ in 0..2 {
        assert_eq!(machine.run(SECRET_KEY, "old=$(sed"), "systemctl restart app\n");
        let text = machine.read("etc/app.env");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[..1] == ["DATABASE_URL=x"] && lines.len() == 3 && is_private(), "{text}");
        assert!(lines[1].starts_with("ROCKET_SECRET_KEY=") && lines[1] != old.trim(), "{text}");
        let key = old.trim().trim_start_matches("ROCKET_SECRET_KEY=");
        assert_eq!(lines[2], format!("ROCKET_PREVIOUS_SECRET_KEYS={key}"));
        old = lines[1].to_owned();
    }
    // The program accepts the file.
    let mut program = program(machine.path());
    for line in machine.read("etc/app.env").lines().skip(1) {
        let (name, value) = line.split_once('=').unwrap();
        program.env(name, value);
    }
    start(&mut program);

    // After a leak, no previous key remains.
    assert_eq!(machine.run(SECRET_KEY, "umask 077\n    grep"), "systemctl restart app\n");
    let text = machine.read("etc/app.env");
    assert!(text.starts_with("DATABASE_URL=x\nROCKET_SECRET_KEY="), "{text}");
    assert!(!text.contains(&old) && text.lines().count() == 2 && is_private(), "{text}");
}

/// Returns the text of the block that contains `text`, with other ports.
fn block(page: &str, text: &str, ports: [u16; 2]) -> String {
    let block = blocks(page).into_iter().find(|block| block.text.contains(text)).unwrap();
    block.text.replace("8001", &ports[0].to_string()).replace("8002", &ports[1].to_string())
}

#[test]
fn the_commands_install_an_update_and_restart_both_instances() {
    let machine = Machine::new();
    fs::remove_file(machine.path().join("opt/app/app")).unwrap();
    fs::create_dir_all(machine.path().join("target/release")).unwrap();
    fs::create_dir_all(machine.path().join("run")).unwrap();
    symlink(binary(), machine.path().join("target/release/rocket-login-demo")).unwrap();
    machine.shell(&format!("cd {ROOT}; cp -R deploy templates static Rocket.toml $DESTDIR"));
    let output = machine.run(NGINX, "deploy/install.sh target/release/rocket-login-demo");
    assert_eq!(output, "systemctl daemon-reload\n");
    assert!(machine.path().join("opt/app/nginx-errors/unavailable.html").exists());

    let servers = [machine.start(), machine.start()];
    let [first, second] = [servers[0].port, servers[1].port];
    let restart = block(NGINX, "deploy/restart.sh", [first, second]);
    let output = machine.shell(&restart);
    assert_eq!(output, format!("systemctl restart app@{first}\nsystemctl restart app@{second}\n"));
    assert_eq!(fs::read_dir(machine.path().join("run")).unwrap().count(), 0);
}

#[test]
fn the_commands_put_two_instances_behind_nginx() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path().join("etc/nginx/sites-available")).unwrap();
    let site = read("deploy/nginx.conf");
    fs::write(machine.path().join("etc/nginx/sites-available/app"), &site).unwrap();
    fs::write(machine.path().join("bin/nginx"), "#!/bin/sh\n").unwrap();
    machine.shell("chmod +x bin/nginx");
    assert_eq!(machine.run(NGINX, "sed -i"), "systemctl reload nginx\n");
    let server = "    server 127.0.0.1:8000 max_fails=0;\n";
    let servers = [8001, 8002].map(|port| server.replace("8000", &port.to_string())).concat();
    assert_eq!(machine.read("etc/nginx/sites-available/app"), site.replace(server, &servers));
}

#[test]
fn a_command_on_the_server_reads_the_database_url_from_the_file() {
    let machine = Machine::new();
    let url = format!("sqlite://{}/other.sqlite", machine.path().display());
    fs::write(machine.path().join("etc/app.env"), format!("DATABASE_URL={url}\n")).unwrap();
    assert_eq!(machine.run("docs/production.md", "runuser"), "\n");
    assert!(machine.path().join("other.sqlite").exists());
}

#[test]
#[ignore = "needs sqlite3"]
fn a_restored_sqlite_backup_has_the_users_but_not_the_sessions() {
    let machine = Machine::new();
    let mut server = machine.start();
    let cookie = cookie(&server.post("/register", "", ADA));
    machine.run(BACKUPS, "VACUUM INTO '/var/backups/app/copy.sqlite'");
    assert!(
        machine.is_private("var/backups/app") && machine.is_private("var/backups/app/copy.sqlite")
    );
    server.post("/logout", &cookie, "");
    assert!(!is_logged_in(&server, &cookie));
    server.stop();

    // Without the deletion, the backup brings the session back.
    machine.shell("cp /var/backups/app/copy.sqlite /var/lib/app/app.sqlite");
    let mut server = machine.start();
    assert!(is_logged_in(&server, &cookie));
    server.stop();

    machine.run(BACKUPS, "copy.sqlite 'DELETE");
    machine.run(BACKUPS, "rm -f /var/lib");
    let server = machine.start();
    assert!(!is_logged_in(&server, &cookie));
    assert!(server.post("/login", "", ADA).contains("location: /dashboard"));
    assert!(machine.is_private("var/lib/app/app.sqlite"));
}

#[test]
#[ignore = "needs sqlite3"]
fn the_nightly_script_replaces_the_copy_of_last_week_unless_it_fails() {
    let machine = Machine::new();
    machine.start();
    machine.shell("mkdir /var/backups/app");
    let script = nightly_script();
    machine.shell(&script);
    let dir = machine.path().join("var/backups/app");
    let names = || -> Vec<_> {
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let [copy] = &names()[..] else { panic!("{:?}", names()) };
    let copy = format!("var/backups/app/{}", copy.display());
    assert!(machine.is_private(&copy));

    // An interrupted run has left a file behind, which the next run replaces.
    fs::write(machine.path().join(format!("{copy}.new")), "incomplete").unwrap();
    fs::write(machine.path().join(&copy), "the copy of last week").unwrap();
    machine.shell(&script);
    assert_eq!(names().len(), 1);
    let count = machine.shell(&format!("sqlite3 {copy} 'SELECT count(*) FROM users'"));
    assert_eq!(count, "0\n");

    let database = machine.path().join("var/lib/app/app.sqlite");
    for broken in ["missing", "not a database"] {
        fs::write(machine.path().join(&copy), "the copy of last week").unwrap();
        match broken {
            "missing" => machine.shell("rm /var/lib/app/*"),
            text => fs::write(&database, text.repeat(1000)).map(|()| String::new()).unwrap(),
        };
        let (is_success, errors) = machine.try_shell(&script);
        assert!(!is_success && errors.contains("Error"), "{broken}: {errors}");
        assert_eq!(machine.read(&copy), "the copy of last week", "{broken}");
    }
}

/// Returns the script for cron. `cron` runs it without `-e`, so its own `set` must stop it.
fn nightly_script() -> String {
    let mut blocks = blocks(BACKUPS);
    blocks.retain(|block| block.text.starts_with("#!/bin/sh\n"));
    let [script] = &blocks[..] else { panic!("{BACKUPS} has {} scripts", blocks.len()) };
    format!("set +e\n{}", script.text)
}

#[test]
#[ignore = "needs sqlite3"]
fn backups_finish_and_are_complete_while_the_app_writes_all_the_time() {
    let machine = Machine::new();
    machine.start();
    machine.shell("mkdir /var/backups/app");
    machine.shell(
        "sqlite3 /var/lib/app/app.sqlite \"WITH RECURSIVE numbers(n) AS (
             SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000)
         INSERT INTO users (username, password_hash, created_at)
         SELECT 'user-' || n, hex(randomblob(127)), 0 FROM numbers\"",
    );
    let path = machine.path().join("var/lib/app/app.sqlite");
    let is_done = AtomicBool::new(false);
    let write = || {
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        // Changes the first and the last user, whose times differ in a copy that mixes two states.
        let update = "UPDATE users SET created_at = created_at + 1 WHERE id IN (1, 200000)";
        connection.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA synchronous = OFF").unwrap();
        let mut count = 0;
        while !is_done.load(Ordering::Relaxed) {
            connection.batch_execute(update).unwrap();
            count += 1;
        }
        count
    };
    let (outputs, writes) = scope(|scope| {
        let writer = scope.spawn(write);
        let single = blocks(BACKUPS).into_iter().find(|block| block.text.contains("copy.sqlite"));
        let scripts = [single.unwrap().text, nightly_script()];
        let outputs = scripts.map(|script| machine.try_shell(&script));
        is_done.store(true, Ordering::Relaxed);
        (outputs, writer.join().unwrap())
    });
    assert!(outputs.iter().all(|(is_success, _)| *is_success), "{outputs:?} after {writes} writes");
    assert!(writes > 50, "only {writes} writes");
    let checked = machine.shell(
        "for copy in /var/backups/app/*; do sqlite3 $copy 'PRAGMA integrity_check; SELECT count(*) FROM users;
         SELECT count(DISTINCT created_at), max(created_at) > 0 FROM users WHERE id IN (1, 200000)'; done",
    );
    assert_eq!(checked, "ok\n200000\n1|1\n".repeat(2));
}

#[test]
#[ignore = "needs an empty PostgreSQL server at PGHOST, as pg_virtualenv starts one"]
fn a_restored_postgresql_backup_has_the_users_but_not_the_sessions() {
    std::env::var("PGHOST").expect("PGHOST is not set");
    let machine = Machine::new();
    machine.shell("psql --quiet --dbname=postgres --command='CREATE ROLE app'; createdb app");
    let mut migrations = files("migrations/postgres");
    migrations.retain(|file| file.ends_with("up.sql"));
    for file in migrations {
        machine.shell(&format!("psql --quiet --dbname=app --file={ROOT}/{file}"));
    }
    let query = |sql: &str| {
        let command =
            format!("psql --quiet --tuples-only --no-align --dbname=app --command='{sql}'");
        machine.shell(&command)
    };
    query("INSERT INTO users (username, password_hash) VALUES ($$ada$$, $$hash$$)");
    query(
        "INSERT INTO sessions (user_id, token_hash, user_agent, remembered, created_at, last_seen_at,
         expires_at, absolute_expires_at) VALUES (1, $$hash$$, $$$$, FALSE, 0, 0, 0, 0)",
    );
    machine.run(BACKUPS, "pg_dump");
    assert!(machine.is_private("app.dump"));
    // A table that is newer than the backup does not prevent the restore.
    query("DELETE FROM users; CREATE TABLE notes (user_id BIGINT REFERENCES users (id))");
    machine.run(BACKUPS, "pg_restore");
    assert_eq!(query("SELECT count(*) FROM users"), "1\n");
    assert_eq!(query("SELECT count(*) FROM sessions"), "0\n");
    assert_eq!(query("SELECT to_regclass($$notes$$) IS NULL"), "t\n");
}

#[test]
#[ignore = "needs sqlite3, and an empty PostgreSQL server at PGHOST, as pg_virtualenv starts one"]
fn the_users_of_an_sqlite_file_can_be_copied_to_postgresql() {
    std::env::var("PGHOST").expect("PGHOST is not set");
    let machine = Machine::new();
    let mut server = machine.start();
    server.post("/register", "", ADA);
    server.stop();
    machine.shell("dropdb --if-exists copied; createdb copied");
    let mut migrations = files("migrations/postgres");
    migrations.retain(|file| file.ends_with("up.sql"));
    for file in migrations {
        machine.shell(&format!("psql --quiet --dbname=copied --file={ROOT}/{file}"));
    }
    // Another name than in the test above, which runs at the same time.
    let block = blocks(POSTGRESQL).into_iter().find(|block| block.text.contains("setval"));
    machine.shell(&block.unwrap().text.replace("--dbname=app", "--dbname=copied"));
    let query = |sql: &str| {
        let command =
            format!("psql --quiet --tuples-only --no-align --dbname=copied --command=\"{sql}\"");
        machine.shell(&command)
    };
    assert_eq!(query("SELECT id, username, is_active FROM users"), "1|ada|t\n");
    assert!(query("SELECT password_hash FROM users").starts_with("$argon2id$"));
    query("INSERT INTO users (username, password_hash) VALUES ('grace', '')");
    assert_eq!(query("SELECT id FROM users WHERE username = 'grace'"), "2\n");
    assert!(!machine.path().join("var/lib/app/app.sqlite").exists());
}

#[test]
#[ignore = "needs a PostgreSQL server at PGHOST, as pg_virtualenv starts one"]
fn the_commands_limit_the_queries_of_a_user_and_show_long_transactions() {
    std::env::var("PGHOST").expect("PGHOST is not set");
    let machine = Machine::new();
    let run = |text: &str| {
        let block = blocks(POSTGRESQL).into_iter().find(|block| block.text.contains(text)).unwrap();
        machine.shell(&block.text.replace("ROLE app", "ROLE pooled"))
    };
    machine.shell("psql --quiet --command='CREATE ROLE pooled'");
    run("ALTER ROLE");
    let command = "psql --tuples-only --no-align --command=\"SELECT array_to_string(rolconfig, ' ')
        FROM pg_roles WHERE rolname = 'pooled'\"";
    let expected = "statement_timeout=4s lock_timeout=2s idle_in_transaction_session_timeout=4s\n";
    assert_eq!(machine.shell(command), expected);
    assert!(run("pg_stat_activity").contains("SELECT pid, state"));
}
