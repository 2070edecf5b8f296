//! Copies of this app with each recipe of `docs/recipes.md`: they build and pass their tests.
#![cfg(unix)]

#[allow(dead_code)]
#[path = "../documents/markdown.rs"]
mod markdown;

use std::fs;
use std::path::Path;
use std::process::Command;

use markdown::{ROOT, files, read, typed};
use tempfile::TempDir;

const RECIPES: &str = "docs/recipes.md";

/// Copies the repository, without what Git ignores.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let entries = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path());
    let ignored = [".git", ".env", "data", "target"];
    let ours = entries.filter(|path| !ignored.iter().any(|name| path.ends_with(name)));
    run(typed("cp", ROOT).arg("-R").args(ours).arg(copy.path()));
    copy
}

#[track_caller]
fn run(command: &mut Command) {
    // A copy is built only once. Without debug info, its artifacts have other names: otherwise cargo would
    // confuse them with those of this repository.
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
}

#[track_caller]
fn test(folder: &Path) {
    let arguments = ["test", "--test", "app"];
    run(typed("cargo", folder).args(arguments));
}

/// Runs the commands of a section in a copy, and tests it.
#[track_caller]
fn follow(title: &str) -> TempDir {
    let text = read(RECIPES);
    let section = text.split("\n## ").find(|section| section.starts_with(title));
    let section = section.unwrap_or_else(|| panic!("there is no {title} in {RECIPES}"));
    let script = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let copy = copy();
    run(typed("sh", copy.path()).args(["-e", "-c", script.unwrap()]));
    test(copy.path());
    copy
}

/// The number of files in a patch: those of the app, and all.
fn counts(patch: &str) -> (usize, usize) {
    let files: Vec<_> = patch
        .lines()
        .filter_map(|line| {
            line.split_once(" b/").filter(|_| line.starts_with("+++")).map(|(_, file)| file)
        })
        .collect();
    let is_ours = |file: &&&str| !file.starts_with("migrations/") && !file.starts_with("tests/");
    (files.iter().filter(is_ours).count(), files.len())
}

#[test]
fn the_table_says_how_many_files_each_recipe_touches() {
    let text = read(RECIPES);
    let patches = files("recipes");
    for file in &patches {
        let section = text.split("\n## ").find(|section| section.contains(&format!("(../{file})")));
        let title =
            section.unwrap_or_else(|| panic!("no recipe has {file}")).lines().next().unwrap();
        let link = format!("(#{})", title.to_lowercase().replace(' ', "-"));
        let (ours, all) = counts(&read(file));
        let row = text.lines().find(|line| line.starts_with('|') && line.contains(&link)).unwrap();
        assert!(row.ends_with(&format!("| {ours} | {all} |")), "{title}: {ours} and {all} files");
    }
    assert_eq!(text.matches("git apply recipes/").count(), patches.len());
}

#[test]
#[ignore = "builds a copy of the app"]
fn a_page_of_your_own() {
    follow("A page of your own");
}

#[test]
#[ignore = "builds a copy of the app"]
fn a_new_migration_is_built_in() {
    let copy = copy();
    let build = || {
        let mut build = typed("cargo", copy.path());
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

#[test]
#[ignore = "builds a copy of the app"]
fn your_own_name() {
    let copy = follow("Your own name");
    let manifest = fs::read_to_string(copy.path().join("Cargo.toml")).unwrap();
    assert!(manifest.starts_with("[workspace]\nmembers = [\"login\"]\n"), "{manifest}");
    assert!(manifest.contains("\n[package]\nname = \"my-app\"\n"), "{manifest}");
    assert!(!manifest.contains("rocket-login") && !manifest.contains("{%"), "{manifest}");
    // All tests that are left, and not only the app's.
    run(typed("cargo", copy.path()).arg("test"));
}

#[test]
#[ignore = "builds a copy of the app"]
fn a_bare_starter() {
    let copy = follow("A bare starter");
    let home = fs::read_to_string(copy.path().join("templates/home.html.tera")).unwrap();
    assert!(!home.contains("demo") && home.contains("{% endblock %}"), "{home}");
    let app = fs::read_to_string(copy.path().join("src/lib.rs")).unwrap();
    assert!(!app.contains("demo"), "{app}");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_email_column() {
    follow("An e-mail column");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_admin_only_page() {
    follow("An admin-only page");
}

#[test]
#[ignore = "builds a copy of the app"]
fn api_tokens() {
    follow("API tokens");
}

#[test]
#[ignore = "builds a copy of the app"]
fn a_second_kind_of_user() {
    follow("A second kind of user");
}

#[test]
#[ignore = "builds a copy of the app"]
fn translated_messages() {
    follow("Translated messages");
}

#[test]
#[ignore = "builds a copy of the app, and needs PostgreSQL at TEST_DATABASE_URL"]
fn postgresql() {
    std::env::var("TEST_DATABASE_URL").expect("a server to run the tests on");
    follow("PostgreSQL");
}

#[test]
#[ignore = "builds a copy of the app, and needs cargo-generate"]
fn a_generated_app_has_its_own_name_and_all_of_its_files() {
    let (template, place) = (copy(), tempfile::tempdir().unwrap());
    fs::create_dir(template.path().join("data")).unwrap();
    fs::write(template.path().join("data/secret_key"), "of another app").unwrap();
    let mut generate = typed("cargo", place.path());
    generate.args(["generate", "--silent", "--name", "my-notes", "--path"]).arg(template.path());
    run(&mut generate);
    let folder = place.path().join("my-notes");
    let copied = ["templates", "src", "login", "migrations", "tests/app"];
    for file in copied.into_iter().flat_map(files) {
        assert!(fs::read_to_string(folder.join(&file)).ok() == Some(read(&file)), "{file}");
    }
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\n[package]\nname = \"my-notes\"\n"), "{manifest}");
    for file in ["Cargo.toml", "README.md"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(!text.contains("rocket-login") && !text.contains("{{"), "{file}:\n{text}");
    }
    for left_behind in ["data", "docs", "recipes", "starter"] {
        assert!(!folder.join(left_behind).exists(), "{left_behind}");
    }
    run(typed("cargo", &folder).arg("test"));
}
