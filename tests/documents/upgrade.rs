//! The page about upgrades: its commands in an app made from a copy of this repository, and its migrations
//! while an old instance runs.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::edit::Place;
use crate::how_to::copy_app;
use crate::markdown::*;
use crate::operations::{Machine, is_logged_in};
use crate::server::{ADA, cookie};

const UPGRADE: &str = "docs/how-to/upgrade.md";
const GRACE: &str = "username=grace&password=a+horse+that+staples+batteries";
const ALAN: &str = "username=alan&password=a+horse+that+staples+batteries";

/// Returns the blocks with commands that contain `text`.
#[track_caller]
fn commands(text: &str) -> Vec<String> {
    let blocks = blocks(UPGRADE).into_iter().filter(|block| block.language == "text");
    let found: Vec<_> =
        blocks.map(|block| block.text).filter(|block| block.contains(text)).collect();
    assert!(!found.is_empty(), "{UPGRADE} has no commands with {text}");
    found
}

#[track_caller]
fn command(text: &str) -> String {
    let [command] = &commands(text)[..] else { panic!("more than one block contains {text}") };
    command.clone()
}

/// Returns the SQL of a migration on the page.
#[track_caller]
fn migration(name: &str) -> String {
    let is_named = |label: &Label| label.name == format!("migrations/{name}/up.sql");
    let mut blocks = blocks(UPGRADE).into_iter();
    let block = blocks.find(|block| block.label.as_ref().is_some_and(is_named));
    block.unwrap_or_else(|| panic!("{UPGRADE} has no migration {name}")).text
}

/// An app made from a copy of this repository, which is the repository that the app upgrades from.
struct Upgrade(TempDir);

impl Upgrade {
    fn new() -> Upgrade {
        let upgrade = Upgrade(TempDir::new().unwrap());
        fs::create_dir(upgrade.dir("upstream")).unwrap();
        fs::create_dir(upgrade.dir("bin")).unwrap();
        // Cargo's commands only print their names, because each would download or build all dependencies.
        // `starter/new.sh` needs a formatter and an updated lock file.
        let cargo = std::env::var("CARGO").unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in fmt) exec {cargo} \"$@\" ;; update) [ \"$2\" != --quiet ] || \
             exec {cargo} \"$@\" --offline ;; esac\necho cargo \"$@\""
        );
        fs::write(upgrade.dir("bin/cargo"), script).unwrap();
        upgrade.shell(".", "chmod +x bin/cargo");
        copy_app(&upgrade.dir("upstream"));
        let commit = "git init -q -b main && git add -A && git commit -qm 'First version'";
        upgrade.at("2025-01-01", "upstream", commit);
        upgrade.shell(".", "cp -R upstream app");
        let new = "sh starter/new.sh my-app page
             rm -rf .git && git init -q -b main && git add -A
             git commit -qm 'Make the app'";
        upgrade.at("2025-01-02", "app", new);
        upgrade
    }

    fn dir(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.dir("app").join(file)).unwrap()
    }

    /// Changes a file, in the repository or in the app.
    fn replace(&self, dir: &str, file: &str, from: &str, to: &str) {
        let path = self.dir(dir).join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    #[track_caller]
    fn shell(&self, dir: &str, script: &str) -> String {
        self.at("2025-01-04", dir, script)
    }

    /// Runs a script that commits at a date.
    #[track_caller]
    fn at(&self, date: &str, dir: &str, script: &str) -> String {
        let (is_success, output) = self.try_at(date, dir, script);
        assert!(is_success, "{script}\n{output}");
        output
    }

    fn try_at(&self, date: &str, dir: &str, script: &str) -> (bool, String) {
        let mut shell = command_in("sh", self.dir(dir));
        shell.args(["-e", "-c", &format!("exec 2>&1\n{script}")]);
        for role in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@x");
            shell.env(format!("GIT_{role}_DATE"), format!("{date}T12:00:00Z"));
        }
        let path = std::env::var("PATH").unwrap();
        shell.env("PATH", format!("{}:{path}", self.dir("bin").display()));
        shell.env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = shell.output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    }

    fn set_crate_version(&self, version: &str) {
        let set = format!("sed -i 's/^version = .*/version = \"{version}\"/' login/Cargo.toml");
        self.shell("upstream", &set);
    }

    /// Commits changes to the repository: a fix of the app, of the crate and of the documents, and then another
    /// change of the app.
    fn change_upstream(&self) {
        self.replace(
            "upstream",
            "src/accounts/throttle.rs",
            "FIRST_WAIT: i64 = 10;",
            "FIRST_WAIT: i64 = 20;",
        );
        self.set_crate_version("0.1.99");
        self.replace("upstream", "docs/production.md", "# Production\n", "# In production\n");
        self.replace("upstream", "src/demo/mod.rs", "\nmod panel;", "\n// Changed.\nmod panel;");
        self.at("2025-01-03", "upstream", "git commit -qam 'Wait longer'");
        self.replace("upstream", "src/accounts/purge.rs", "BATCH: i64 = 500;", "BATCH: i64 = 600;");
        self.replace(
            "upstream",
            "recipes/page.patch",
            "+//! The notes page, for",
            "+//! The page of notes, for",
        );
        self.at("2025-01-03", "upstream", "git commit -qam 'Purge more rows'");
    }

    /// Runs the commands that mark the commit from which the app was made.
    fn add_repository(&self) {
        self.shell("app", &command("git remote add").replace("URL", "../upstream"));
        self.shell("app", &command("date="));
        assert_eq!(self.shell("app", "git log -1 --format=%s upstream-base"), "First version\n");
    }
}

#[test]
#[ignore = "needs Git"]
fn one_fix_applies_to_an_app_that_has_no_history_in_common() {
    let upgrade = Upgrade::new();
    upgrade.change_upstream();
    upgrade.add_repository();
    let listed = upgrade.shell("app", &command("git log --oneline"));
    let listed: Vec<_> = listed.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let [("Purge more rows", _), ("Wait longer", fix)] =
        &listed.iter().map(|(id, name)| (*name, *id)).collect::<Vec<_>>()[..]
    else {
        panic!("{listed:?}")
    };

    // Your own change of the same file remains.
    upgrade.replace(
        "app",
        "src/accounts/throttle.rs",
        "MAX_EXCESS: i64 = 7;",
        "MAX_EXCESS: i64 = 8;",
    );
    upgrade.shell("app", "git commit -qam 'Own change'");
    let take = command("git format-patch").replace("COMMIT", fix);
    let output = upgrade.shell("app", &take);
    assert!(output.ends_with("cargo test\n"), "{output}");
    let throttle = upgrade.read("src/accounts/throttle.rs");
    assert!(
        throttle.contains("FIRST_WAIT: i64 = 20;") && throttle.contains("MAX_EXCESS: i64 = 8;")
    );
    assert!(upgrade.read("login/Cargo.toml").contains("0.1.99"));
    assert!(upgrade.read("src/accounts/purge.rs").contains("BATCH: i64 = 500;"));
    assert_eq!(upgrade.shell("app", "git log -1 --format=%s; git status --short"), "Wait longer\n");

    // Without the paths, the patch would also contain files that the app does not have.
    let all = format!("git format-patch -1 --stdout {fix} | git am --3way");
    upgrade.shell("app", "git reset -q --hard HEAD^");
    assert!(!upgrade.try_at("2025-01-04", "app", &all).0);
    upgrade.shell("app", "git am --abort");
}

#[test]
#[ignore = "needs Git"]
fn all_changes_apply_to_an_app_with_a_recipe() {
    let upgrade = Upgrade::new();
    upgrade.change_upstream();
    upgrade.add_repository();
    upgrade.replace(
        "app",
        "src/accounts/throttle.rs",
        "MAX_EXCESS: i64 = 7;",
        "MAX_EXCESS: i64 = 8;",
    );
    upgrade.shell("app", "git commit -qam 'Own change'");
    upgrade.shell("app", &command("generate()"));
    let changed = upgrade.shell("app", "git diff HEAD --name-only");
    let expected = [
        "Cargo.lock",
        "login/Cargo.toml",
        "src/accounts/purge.rs",
        "src/accounts/throttle.rs",
        "src/routes/notes.rs",
    ];
    assert_eq!(changed.lines().collect::<Vec<_>>(), expected);
    upgrade.shell("app", &command("git commit --all"));
    assert!(upgrade.read("src/accounts/throttle.rs").contains("MAX_EXCESS: i64 = 8;"));
    assert!(upgrade.read("src/accounts/purge.rs").contains("BATCH: i64 = 600;"));
    let base = upgrade.shell("app", "git status --short; git log -1 --format=%s upstream-base");
    assert_eq!(base, "Purge more rows\n");
    assert!(!upgrade.dir("generated").exists());
}

#[test]
#[ignore = "needs Git"]
fn a_clone_takes_a_fix_by_cherry_pick_or_merge() {
    let upgrade = Upgrade::new();
    upgrade.shell(".", "git clone -q -o upstream upstream clone");
    upgrade.change_upstream();
    let page = read(UPGRADE);
    let quoted = |text: &str| quoted(&page).find(|code| code.contains(text)).unwrap().to_owned();
    let pick = quoted("git cherry-pick").replace("COMMIT", "upstream/main^");
    upgrade.shell("clone", &format!("git fetch -q upstream && {pick} && {}", quoted("git merge")));
    assert_eq!(upgrade.shell("clone", "git diff upstream/main"), "");
}

#[test]
#[ignore = "needs Git"]
fn the_crate_can_be_replaced_by_the_newest_version() {
    let upgrade = Upgrade::new();
    upgrade.change_upstream();
    upgrade.add_repository();
    let output = upgrade.shell("app", &command("git archive"));
    assert_eq!(output, "cargo update --workspace\ncargo test\n");
    assert_eq!(upgrade.shell("app", "git status --short"), " M login/Cargo.toml\n");
}

#[test]
#[ignore = "needs Git"]
fn cargo_refuses_an_incompatible_version_of_the_crate() {
    let upgrade = Upgrade::new();
    let page = read(UPGRADE);
    let dependency = quoted(&page).find(|code| code.contains("git = \"URL\"")).unwrap();
    let current = read("login/Cargo.toml");
    assert!(current.contains("\nversion = \"0.1.") && dependency.contains("version = \"0.1\""));
    let url = format!("file://{}", upgrade.dir("upstream").display());
    fs::create_dir_all(upgrade.dir("other/src")).unwrap();
    fs::write(upgrade.dir("other/src/lib.rs"), "").unwrap();
    let package = "[package]\nname = \"other\"\nedition = \"2024\"\n\n[dependencies]\n";
    let manifest = format!("{package}{}\n", dependency.replace("URL", &url));
    fs::write(upgrade.dir("other/Cargo.toml"), manifest).unwrap();
    let cargo = std::env::var("CARGO").unwrap();
    let update = |version: &str| {
        upgrade.set_crate_version(version);
        upgrade.shell("upstream", &format!("git commit -qam {version}"));
        let update = format!("{cargo} update --quiet rocket_login && {cargo} tree --depth 1");
        upgrade.try_at("2025-01-04", "other", &update)
    };
    let (is_success, output) = update("0.1.99");
    assert!(is_success && output.contains("0.1.99"), "{output}");
    let (is_success, output) = update("0.2.0");
    assert!(!is_success && output.contains("0.2.0"), "{output}");
}

#[test]
#[ignore = "needs Git"]
fn the_commands_update_and_commit_the_lock_file() {
    let upgrade = Upgrade::new();
    upgrade.shell("app", "echo '# New versions' >> Cargo.lock");
    let output = upgrade.shell("app", &command("--dry-run"));
    assert!(
        output.starts_with("cargo update --dry-run --verbose\ncargo update\ncargo test\n"),
        "{output}"
    );
    assert_eq!(upgrade.shell("app", "git status --short"), "");
    let cargo = std::env::var("CARGO").unwrap();
    upgrade.shell("app", &format!("{cargo} update --offline --dry-run --verbose"));
}

/// Fills the new column, as the page does with this database.
fn backfill(database: &str) -> String {
    let mut found = commands("for first in");
    found.retain(|command| command.contains(database));
    let [command] = &found[..] else { panic!("{UPGRADE} fills the column {} times", found.len()) };
    command.clone()
}

#[test]
#[ignore = "needs sqlite3"]
fn an_old_instance_works_on_sqlite_until_the_column_is_dropped() {
    let machine = Machine::new();
    let mut server = machine.start();
    let ada = cookie(&server.post("/register", "", ADA));
    let query = |sql: &str| {
        let file = machine.path().join("query.sql");
        fs::write(file, sql).unwrap();
        machine.shell("sqlite3 -cmd '.timeout 5000' /var/lib/app/app.sqlite < query.sql")
    };
    query("UPDATE users SET created_at = 7");

    query(&migration("sqlite/2027-01-11-090000_add_registered_at"));
    assert!(is_logged_in(&server, &ada));
    assert!(server.post("/register", "", GRACE).contains("location: /dashboard"));
    let times =
        "SELECT username, registered_at = created_at, registered_at > 7 FROM users ORDER BY id";
    assert_eq!(query(times), "ada|0|0\ngrace|1|1\n");

    assert_eq!(machine.shell(&backfill("sqlite3")), "0\n");
    assert_eq!(query(times), "ada|1|0\ngrace|1|1\n");
    assert!(server.post("/login", "", ADA).contains("location: /dashboard"));

    // An old version starts with the new schema.
    query("INSERT INTO __diesel_schema_migrations (version) VALUES ('20270111090000')");
    server.stop();
    let server = machine.start();
    assert!(is_logged_in(&server, &ada));
    assert!(server.post("/register", "", ALAN).contains("location: /dashboard"));

    query(&migration("sqlite/2027-02-08-090000_drop_created_at"));
    query("INSERT INTO users (username, password_hash) VALUES ('new', 'hash')");
    let new =
        "SELECT id, username, password_hash, is_active, registered_at > 7 FROM users ORDER BY id";
    assert_eq!(query(new).lines().count(), 4);
    assert!(query(new).ends_with("4|new|hash|1|1\n"), "{}", query(new));
    assert!(!is_logged_in(&server, &ada), "the old version does not need the column");
}

/// The queries of the old version on users, which a connection prepares once.
const OLD: &str = "
    PREPARE read AS SELECT users.id, users.username, users.password_hash, users.is_active, users.created_at
        FROM users ORDER BY id;
    PREPARE insert (text) AS INSERT INTO users (username, password_hash) VALUES ($1, 'hash') RETURNING id;";

#[test]
#[ignore = "needs an empty PostgreSQL server at PGHOST, as pg_virtualenv starts one"]
fn an_old_instance_works_on_postgresql_until_the_column_is_dropped() {
    std::env::var("PGHOST").expect("PGHOST is not set");
    let machine = Machine::new();
    // Another test uses the database of the page, `app`.
    machine.shell("createdb upgrade");
    let here = |command: String| command.replace("--dbname=app", "--dbname=upgrade");
    let mut ups = files("migrations/postgres");
    ups.retain(|file| file.ends_with("up.sql"));
    for file in ups {
        machine.shell(&format!("psql --quiet --dbname=upgrade --file={ROOT}/{file}"));
    }
    let write = |name: &str, text: &str| fs::write(machine.path().join(name), text).unwrap();
    write("expand.sql", &migration("postgres/2027-01-11-090000_add_registered_at"));
    write("contract.sql", &migration("postgres/2027-02-08-090000_drop_created_at"));
    write("backfill.sh", &here(backfill("psql")));
    // One connection, like that of an old instance.
    write(
        "steps.sql",
        &format!(
            "{OLD}
             EXECUTE insert('ada'); UPDATE users SET created_at = 7; EXECUTE read;
             BEGIN; \\i expand.sql
             COMMIT;
             EXECUTE read; EXECUTE insert('grace');
             SELECT username, registered_at = created_at, registered_at > 7 FROM users ORDER BY id;
             \\! sh -e backfill.sh
             EXECUTE insert('alan');
             PREPARE new AS SELECT id, username, password_hash, is_active, registered_at > 7 FROM users ORDER BY id;
             BEGIN; \\i contract.sql
             COMMIT;
             EXECUTE insert('new'); EXECUTE new;
             \\set ON_ERROR_STOP off
             EXECUTE read;"
        ),
    );
    let psql = "psql --quiet --tuples-only --no-align --set=ON_ERROR_STOP=on --dbname=upgrade";
    let output = machine.shell(&format!("{psql} --file=steps.sql 2>&1"));
    let (steps, error) = output.split_once("psql:").unwrap_or_else(|| panic!("{output}"));
    let expected = "1\n1|ada|hash|t|7\n1|ada|hash|t|7\n2\nada|f|f\ngrace|t|t\n0\n3\n4\n\
        1|ada|hash|t|f\n2|grace|hash|t|t\n3|alan|hash|t|t\n4|new|hash|t|t\n";
    assert_eq!(steps, expected);
    assert!(error.contains("created_at does not exist"), "{error}");

    let index = here(command("CREATE INDEX CONCURRENTLY").replace("created_at", "registered_at"));
    let sql = index.split('\'').nth(1).unwrap();
    let in_transaction = machine
        .try_shell(&format!("{psql} --single-transaction --command='SELECT 1' --command='{sql}'"));
    assert!(
        in_transaction.1.contains("cannot run inside a transaction block"),
        "{in_transaction:?}"
    );
    machine.shell(&index);
    machine.shell(&format!(
        "{psql} --command='CREATE INDEX IF NOT EXISTS users_registered_at ON users (registered_at)'"
    ));
}

#[test]
fn the_migrations_of_the_page_are_new_files_that_are_newer_than_those_of_the_app() {
    for database in ["sqlite", "postgres"] {
        let newest = files(&format!("migrations/{database}")).pop().unwrap();
        for block in blocks(UPGRADE) {
            let Some(label) = block.label.filter(|label| label.name.contains(database)) else {
                continue;
            };
            assert!(label.name > newest && !Path::new(ROOT).join(&label.name).exists());
            assert!(label.place == Place::File);
        }
    }
}
