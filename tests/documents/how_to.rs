//! The how-to pages, whose edits and commands must work in a copy of the app.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::diesel;
use crate::markdown::*;
use crate::tutorial::{Reader, edits};

/// The pages that change the app, each with the pages that it continues.
const PAGES: [&[&str]; 2] = [&["table", "form", "test"], &["role"]];

fn path(page: &str) -> String {
    format!("docs/how-to/{page}.md")
}

/// Applies the edits of a page to `changed`, which contains the files that differ from the repository.
fn apply(page: &str, changed: &mut BTreeMap<String, String>) {
    for (label, text) in blocks(page).into_iter().flat_map(edits) {
        let exists = Path::new(ROOT).join(&label.name).exists();
        assert_eq!(label.source.is_some(), exists, "{page}: link to {}, if it exists", label.name);
        let file = changed.entry(label.name.clone());
        let file = file.or_insert_with(|| if exists { read(&label.name) } else { String::new() });
        *file = label.place.apply(file, &text);
    }
}

#[test]
fn every_edit_applies() {
    for chain in PAGES {
        let mut changed = BTreeMap::new();
        for page in chain {
            apply(&path(page), &mut changed);
        }
        for (file, text) in changed.iter().filter(|(file, _)| file.starts_with("src/")) {
            let lines = text.lines().count();
            assert!(lines <= 200, "{file} has {lines} lines");
        }
    }
}

#[test]
fn blocks_are_short() {
    for page in PAGES.into_iter().flatten().map(|page| path(page)) {
        let mut lines: Vec<_> =
            blocks(&page).iter().map(|block| block.text.lines().count()).collect();
        lines.sort_unstable();
        assert!(lines[lines.len() - 1] <= 25, "{page}: {lines:?}");
        assert!(lines[lines.len() / 2] < 15, "{page}: {lines:?}");
    }
}

#[test]
#[ignore = "needs the diesel CLI"]
fn the_table_page_shows_the_schema_that_diesel_prints() {
    let project = diesel::project();
    let mut changed = BTreeMap::new();
    apply(&path("table"), &mut changed);
    let dir = "migrations/sqlite/2026-12-01-090000_create_notes";
    fs::create_dir(project.path().join(dir)).unwrap();
    fs::write(project.path().join(dir).join("down.sql"), "DROP TABLE notes;").unwrap();
    let up = format!("{dir}/up.sql");
    fs::write(project.path().join(&up), &changed[&up]).unwrap();
    diesel::diesel(&project, &["migration", "run"]);
    assert_eq!(diesel::diesel(&project, &["print-schema"]), changed["src/schema.rs"]);
}

/// Waits until no other test builds the app, because all copies of its program replace the same file in the
/// target directory.
pub fn lock_program() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies the files that Git tracks.
pub fn copy_app(to: &Path) {
    let listed = command_in("git", ROOT).args(["ls-files", "-z"]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    for file in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        let (source, copy) = (Path::new(ROOT).join(file), to.join(file));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        // Git also lists files that were deleted since the last commit.
        if source.exists() {
            fs::copy(source, copy).unwrap();
        }
    }
}

/// Returns a reader with a copy of the app in a temporary directory.
fn reader() -> (TempDir, Reader) {
    let dir = tempfile::tempdir().unwrap();
    let reader = Reader::new(dir.path().join("app"));
    copy_app(&reader.dir);
    (dir, reader)
}

#[track_caller]
fn assert_runs(reader: &Reader, command: &str) {
    let (is_success, output) = reader.run(command);
    assert!(is_success, "{command}\n{output}");
}

/// Checks the code of the pages as the checks of this repository do. If there is a PostgreSQL server, also runs
/// the tests of the new module there.
fn check(reader: &Reader, module: &str) {
    assert_runs(reader, "cargo fmt --check");
    assert_runs(reader, "cargo clippy --bins --test app -- -D warnings");
    assert_runs(reader, "cargo test --test app");
    if std::env::var_os("TEST_DATABASE_URL").is_some() {
        assert_runs(reader, &format!("cargo test --features postgres --test app {module}::"));
    }
}

#[test]
#[ignore = "builds copies of the app"]
fn following_the_pages_about_notes_adds_a_table_a_form_and_tests() {
    let _lock = lock_program();
    let (_dir, mut reader) = reader();
    for page in PAGES[0] {
        reader.follow(&path(page));
    }
    check(&reader, "notes");
}

#[test]
#[ignore = "builds copies of the app"]
fn following_the_page_about_roles_adds_a_role() {
    let _lock = lock_program();
    let (_dir, mut reader) = reader();
    reader.follow(&path("role"));
    check(&reader, "admin");
}
