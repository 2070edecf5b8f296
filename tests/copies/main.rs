//! Copies of this app, which must build and pass their tests: with recipes, and under a new name.
#![cfg(unix)]

// `markdown` needs this module, but the copies apply no edits.
#[allow(dead_code)]
#[path = "../documents/edit.rs"]
mod edit;
mod generated;
#[path = "../documents/markdown.rs"]
mod markdown;
mod recipes;

use std::fs;
use std::path::Path;
use std::process::Command;

use markdown::{ROOT, command_in};
use tempfile::TempDir;

/// Copies the repository to a temporary directory, without the files that Git ignores.
fn copy_repository() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let entries = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path());
    let ignored = [".git", ".env", "data", "target"];
    let sources = entries.filter(|path| !ignored.iter().any(|name| path.ends_with(name)));
    run(command_in("cp", ROOT).arg("-R").args(sources).arg(copy.path()));
    copy
}

/// Runs a command and returns what it prints.
#[track_caller]
fn run(command: &mut Command) -> String {
    // Disables incremental builds, because each copy is built only once. Disables debug info, so
    // that cargo does not confuse the artifacts of the copy with those of this repository.
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{text}");
    text.into_owned()
}

#[track_caller]
fn sh(dir: &Path, script: &str) -> String {
    run(command_in("sh", dir).args(["-e", "-c", script]))
}

#[test]
#[ignore = "builds a copy of the crate"]
fn rocket_flex_session_and_rocket_login_work_in_the_same_app() {
    let copy = copy_repository();
    let script = "cd login
        sed 's/^\\[dev-dependencies\\]/&\\nrocket_flex_session = \"0.2\"/' Cargo.toml > new && mv new Cargo.toml
        cp ../tests/fixtures/flex_session.rs tests/login
        echo 'mod flex_session;' >> tests/login/main.rs
        cargo test --test login flex_session";
    sh(copy.path(), script);
}

#[test]
#[ignore = "builds a copy of the app"]
fn a_new_migration_triggers_a_rebuild() {
    let copy = copy_repository();
    let build = || {
        let mut build = command_in("cargo", copy.path());
        build.arg("build").env("CARGO_PROFILE_DEV_DEBUG", "0");
        let output = build.output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).contains("Compiling rocket-login-demo")
    };
    build();
    assert!(!build());
    let migration = copy.path().join("migrations/sqlite/2026-11-24-090000_create_notes");
    fs::create_dir(&migration).unwrap();
    fs::write(migration.join("up.sql"), "CREATE TABLE notes (id INTEGER PRIMARY KEY);").unwrap();
    fs::write(migration.join("down.sql"), "DROP TABLE notes;").unwrap();
    assert!(build());
}
