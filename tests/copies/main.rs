//! Copies of this app, which must build and pass their tests after a recipe has been applied.
#![cfg(unix)]

// `markdown` needs this module, but the copies apply no edits.
#[allow(dead_code)]
#[path = "../documents/edit.rs"]
mod edit;
#[path = "../documents/markdown.rs"]
mod markdown;

use std::fs;
use std::path::Path;
use std::process::Command;

use markdown::{ROOT, command_in, files, read};
use tempfile::TempDir;

const RECIPES: &str = "docs/recipes.md";

/// Copies the repository to a temporary directory, without the files that Git ignores.
fn copy_repository() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let entries = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap().path());
    let ignored = [".git", ".env", "data", "target"];
    let sources = entries.filter(|path| !ignored.iter().any(|name| path.ends_with(name)));
    run(command_in("cp", ROOT).arg("-R").args(sources).arg(copy.path()));
    copy
}

#[track_caller]
fn run(command: &mut Command) {
    // Disables incremental builds, because each copy is built only once. Disables debug info, so
    // that cargo does not confuse the artifacts of the copy with those of this repository.
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{text}");
}

#[track_caller]
fn run_app_tests(dir: &Path) {
    let arguments = ["test", "--test", "app"];
    run(command_in("cargo", dir).args(arguments));
}

/// Runs the commands of a recipe in a copy of the repository, runs the app's tests in the copy, and
/// returns the copy.
#[track_caller]
fn apply_recipe(title: &str) -> TempDir {
    let text = read(RECIPES);
    let section = text.split("\n## ").find(|section| section.starts_with(title));
    let section = section.unwrap_or_else(|| panic!("{RECIPES} has no section {title}"));
    let script = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let copy = copy_repository();
    run(command_in("sh", copy.path()).args(["-e", "-c", script.unwrap()]));
    run_app_tests(copy.path());
    copy
}

/// Returns the number of app files in a patch, and the number of all files in the patch.
fn count_files(patch: &str) -> (usize, usize) {
    let files: Vec<_> = patch
        .lines()
        .filter_map(|line| {
            line.split_once(" b/").filter(|_| line.starts_with("+++")).map(|(_, file)| file)
        })
        .collect();
    let is_app_file =
        |file: &&&str| !file.starts_with("migrations/") && !file.starts_with("tests/");
    (files.iter().filter(is_app_file).count(), files.len())
}

#[test]
fn the_table_shows_how_many_files_each_recipe_changes() {
    let text = read(RECIPES);
    let patches = files("recipes");
    for file in &patches {
        let section = text.split("\n## ").find(|section| section.contains(&format!("(../{file})")));
        let title =
            section.unwrap_or_else(|| panic!("no recipe links to {file}")).lines().next().unwrap();
        let link = format!("(#{})", title.to_lowercase().replace(' ', "-"));
        let (app_files, all_files) = count_files(&read(file));
        let row = text.lines().find(|line| line.starts_with('|') && line.contains(&link)).unwrap();
        assert!(
            row.ends_with(&format!("| {app_files} | {all_files} |")),
            "{title} changes {app_files} app files, and {all_files} files in total"
        );
    }
    assert_eq!(text.matches("git apply recipes/").count(), patches.len());
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
    run(command_in("sh", copy.path()).args(["-e", "-c", script]));
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_an_additional_page_passes_its_tests() {
    apply_recipe("A page of your own");
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

#[test]
#[ignore = "builds a copy of the app"]
fn a_renamed_app_passes_its_tests() {
    let copy = apply_recipe("Your own name");
    let manifest = fs::read_to_string(copy.path().join("Cargo.toml")).unwrap();
    assert!(manifest.starts_with("[workspace]\nmembers = [\"login\"]\n"), "{manifest}");
    assert!(manifest.contains("\n[package]\nname = \"my-app\"\n"), "{manifest}");
    assert!(!manifest.contains("rocket-login") && !manifest.contains("{%"), "{manifest}");
    // Runs all remaining tests, and not only those of the app.
    run(command_in("cargo", copy.path()).arg("test"));
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_without_the_demo_passes_its_tests() {
    let copy = apply_recipe("A bare starter");
    let search = "! grep -rniE '\\b(demo|trace)\\b' src templates static tests/app Rocket.toml";
    run(command_in("sh", copy.path()).args(["-c", search]));
    let home = fs::read_to_string(copy.path().join("templates/home.html.tera")).unwrap();
    assert!(home.contains("{% endblock %}"), "{home}");
    run(command_in("cargo", copy.path()).args(["clippy", "--tests", "--", "-D", "warnings"]));
    // Runs all remaining tests, and not only those of the app.
    run(command_in("cargo", copy.path()).arg("test"));
    run(command_in("cargo", copy.path()).args(["fmt", "--check"]));
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_an_email_column_passes_its_tests() {
    apply_recipe("An e-mail column");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_an_admin_page_passes_its_tests() {
    apply_recipe("An admin-only page");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_api_tokens_passes_its_tests() {
    apply_recipe("API tokens");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_a_second_kind_of_user_passes_its_tests() {
    apply_recipe("A second kind of user");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_translated_messages_passes_its_tests() {
    apply_recipe("Translated messages");
}

#[test]
#[ignore = "builds a copy of the app, and needs PostgreSQL at TEST_DATABASE_URL"]
fn an_app_on_postgresql_passes_its_tests() {
    std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL is not set");
    apply_recipe("PostgreSQL");
}

#[test]
#[ignore = "builds a copy of the app, and needs cargo-generate"]
fn a_generated_app_has_its_own_name_and_all_its_files_and_passes_its_tests() {
    let (template, parent) = (copy_repository(), tempfile::tempdir().unwrap());
    fs::create_dir(template.path().join("data")).unwrap();
    fs::write(template.path().join("data/secret_key"), "of another app").unwrap();
    let mut generate = command_in("cargo", parent.path());
    generate.args(["generate", "--silent", "--name", "my-notes", "--path"]).arg(template.path());
    run(&mut generate);
    let app = parent.path().join("my-notes");
    let copied = ["templates", "src", "login", "migrations", "tests/app"];
    for file in copied.into_iter().flat_map(files) {
        assert!(fs::read_to_string(app.join(&file)).ok() == Some(read(&file)), "{file} differs");
    }
    let manifest = fs::read_to_string(app.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\n[package]\nname = \"my-notes\"\n"), "{manifest}");
    for file in ["Cargo.toml", "README.md"] {
        let text = fs::read_to_string(app.join(file)).unwrap();
        assert!(!text.contains("rocket-login") && !text.contains("{{"), "{file}:\n{text}");
    }
    for excluded in ["data", "docs", "recipes", "starter"] {
        assert!(!app.join(excluded).exists(), "{excluded} exists");
    }
    run(command_in("cargo", &app).arg("test"));
}
