//! Apps made from this repository, by cargo-generate or from a clone.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::markdown::{command_in, read};
use crate::recipes::patches;
use crate::{copy_repository, run, sh};

/// Generates an app from a Git repository with a `file://` URL, which stands for a URL on the internet.
fn generate(parent: &TempDir) -> std::path::PathBuf {
    let template = copy_repository();
    fs::create_dir(template.path().join("data")).unwrap();
    fs::write(template.path().join("data/secret_key"), "of another app").unwrap();
    let commit =
        "git init -q -b main && git add -A && git -c user.name=a -c user.email=a@b commit -qm copy";
    sh(template.path(), commit);
    let url = format!("file://{}", template.path().display());
    let mut generate = command_in("cargo", parent.path());
    let text = run(generate.args(["generate", "--git", &url, "--name", "my-notes"]));
    assert!(text.contains("sh starter/new.sh"), "{text}");
    parent.path().join("my-notes")
}

/// Returns the lines that contain a word that only this repository should contain. Skips the lock file, and the
/// crate, which is the same in all apps.
fn leftovers(app: &Path) -> String {
    let words = "rocket-login|rocket login|\\bdemos?\\b|tutorial|recipe|docs/|\\.ci\\b|\\bflight\\b|\\btrace\\b|project-name";
    let search = format!(
        "grep -rniIE '{words}' . --exclude-dir=login --exclude-dir=.git --exclude-dir=target --exclude=Cargo.lock || true"
    );
    sh(app, &search)
}

/// Runs the commands of the workflow that call cargo. Their steps have names, so their lines begin with `run:`.
fn run_workflow(app: &Path) {
    let workflow = fs::read_to_string(app.join(".github/workflows/ci.yml")).unwrap();
    let commands: Vec<_> = workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("run: "))
        .filter(|command| command.contains("cargo "))
        .collect();
    assert_eq!(commands.len(), 5, "{commands:?}");
    for command in commands {
        sh(app, command);
    }
}

#[test]
fn the_lock_file_of_a_generated_app_is_up_to_date() {
    let old = "\nname = \"rocket-login-demo\"\n";
    let lock = read("Cargo.lock");
    assert_eq!(lock.matches(old).count(), 1);
    let script = "sed 's/^name = \"rocket-login-demo\"/name = \"{{project-name}}\"/' Cargo.lock > starter/Cargo.lock";
    let expected = lock.replace(old, "\nname = \"{{project-name}}\"\n");
    assert!(read("starter/Cargo.lock") == expected, "run: {script}");
}

#[test]
#[ignore = "builds a copy of the app, and needs cargo-generate and Git"]
fn a_generated_app_contains_nothing_of_this_repository_and_passes_its_tests() {
    let parent = tempfile::tempdir().unwrap();
    let app = generate(&parent);
    // The lock file has the new name even before the script runs.
    sh(&app, "cargo build --locked");
    sh(&app, "sh starter/new.sh my-notes");
    assert_eq!(leftovers(&app), "");
    for removed in ["data", "docs", "recipes", "starter", "LICENSE-MIT", "cargo-generate.toml"] {
        assert!(!app.join(removed).exists(), "{removed} exists");
    }
    let manifest = fs::read_to_string(app.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\n[package]\nname = \"my-notes\"\n"), "{manifest}");
    assert!(fs::read_to_string(app.join("README.md")).unwrap().starts_with("# My Notes\n"));

    // The same script makes the same app from a clone.
    let clone = copy_repository();
    sh(clone.path(), "sh starter/new.sh my-notes");
    sh(clone.path(), &format!("diff -r --exclude=.git . {}", app.display()));

    sh(&app, "cargo build --locked");
    run(command_in("cargo", &app).arg("test").env_remove("TEST_DATABASE_URL"));
}

#[test]
#[ignore = "builds a copy of the app with all recipes, and needs Git and PostgreSQL at TEST_DATABASE_URL"]
fn a_generated_app_with_all_recipes_passes_its_workflow() {
    std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL is not set");
    let clone = copy_repository();
    // The script asks for the name, and then about each recipe.
    let answers = format!("my-notes\\n{}", "y\\n".repeat(patches().len()));
    sh(clone.path(), &format!("printf '{answers}' | sh starter/new.sh"));
    assert_eq!(leftovers(clone.path()), "");
    run_workflow(clone.path());
}

#[test]
#[ignore = "needs Git"]
fn the_script_applies_recipes_in_a_subdirectory_of_another_repository() {
    let (repository, copy) = (tempfile::tempdir().unwrap(), copy_repository());
    sh(repository.path(), &format!("git init -q && cp -R {} app", copy.path().display()));
    let app = repository.path().join("app");
    sh(&app, "sh starter/new.sh my-notes page");
    assert!(app.join("src/routes/notes.rs").exists());
}

#[test]
fn the_script_changes_nothing_if_an_argument_is_wrong() {
    let copy = copy_repository();
    let before = sh(copy.path(), "find . -type f | sort | xargs cksum");
    for arguments in ["My-app", "1app", "my.app", "app", "''", "my-app unknown", "'my-app;true'"] {
        sh(copy.path(), &format!("! sh starter/new.sh {arguments}"));
        assert_eq!(sh(copy.path(), "find . -type f | sort | xargs cksum"), before, "{arguments}");
    }
}
