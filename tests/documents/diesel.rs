//! Tests that the Diesel CLI works in this project.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::markdown::*;

/// Returns a temporary directory with the files that the diesel CLI reads.
pub fn project() -> TempDir {
    let project = TempDir::new().unwrap();
    for file in files("migrations").iter().map(String::as_str).chain(["diesel.toml", "Cargo.toml"])
    {
        let copy = project.path().join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(format!("{ROOT}/{file}"), copy).unwrap();
    }
    fs::create_dir(project.path().join("src")).unwrap();
    project
}

/// Runs the diesel CLI in a copy of the files that it reads, and returns the output.
pub fn diesel(project: &TempDir, arguments: &[&str]) -> String {
    let mut command = Command::new("diesel");
    command.args(arguments).current_dir(project).env("DATABASE_URL", "sqlite://app.sqlite");
    let output = command.output().expect("the diesel CLI is missing.");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs the diesel CLI"]
fn print_schema_prints_the_schema_and_generate_adds_a_migration() {
    let project = project();
    diesel(&project, &["migration", "run"]);
    assert_eq!(diesel(&project, &["print-schema"]), read("src/schema.rs"));
    let written = fs::read_to_string(project.path().join("src/schema.rs")).unwrap();
    assert_eq!(written, read("src/schema.rs"));
    diesel(&project, &["migration", "generate", "create_notes"]);
    let listed = diesel(&project, &["migration", "list"]);
    assert!(listed.contains("[X] 00000000000002_create_sessions"), "{listed}");
    assert!(listed.contains("[ ] ") && listed.contains("_create_notes"), "{listed}");
    let migrations = fs::read_dir(project.path().join("migrations/sqlite")).unwrap();
    let is_new = |name: &str| name.ends_with("_create_notes");
    assert!(
        migrations
            .map(|entry| entry.unwrap().file_name())
            .any(|name| is_new(name.to_str().unwrap()))
    );
}
