//! Checks the claims of the documents. A copy of this app does not need these tests.

mod architecture;
// These tests use only a part of this module.
#[cfg(unix)]
#[path = "../browser/browser.rs"]
#[allow(dead_code)]
mod browser;
mod diesel;
mod edit;
mod fleet;
#[cfg(unix)]
mod how_to;
mod markdown;
#[cfg(unix)]
mod operations;
#[path = "../shared/server.rs"]
mod server;
mod site;
// `browser` needs this module.
#[cfg(unix)]
#[path = "../shared/templates.rs"]
#[allow(dead_code)]
mod templates;
#[cfg(unix)]
mod tutorial;
#[cfg(unix)]
mod tutorial_figures;
#[cfg(unix)]
mod upgrade;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use edit::Place;
use markdown::*;

/// Returns all tests as `file::name`.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for (dir, prefix) in [
        ("tests/app", ""),
        ("tests/wire", "wire::"),
        ("tests/browser", "browser::"),
        ("login/tests/login", "rocket_login::"),
        ("src/accounts", ""),
        ("src", ""),
        ("tests", ""),
    ] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
        for file in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_dir() {
                continue;
            }
            let module = file.file_stem().unwrap().to_str().unwrap();
            let text = fs::read_to_string(&file).unwrap();
            for after in text.split("test]\n").skip(1).filter(|after| after.contains("fn ")) {
                let name = after.split("fn ").nth(1).unwrap().split('(').next().unwrap();
                tests.insert(format!("{prefix}{module}::{name}"));
            }
        }
    }
    tests
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = read("docs/security.md");
    let tests = tests();
    let named: Vec<_> =
        quoted(&page).filter(|name| name.contains("::") && !name.contains("Password::")).collect();
    assert!(named.len() > 60, "the page names only {} tests", named.len());
    for name in named.into_iter().filter(|name| !name.contains('…') && *name != "file::name") {
        assert!(tests.contains(name), "the test {name} does not exist");
    }
}

#[test]
fn the_source_files_contain_the_documented_limits() {
    for (file, text) in [
        ("src/accounts/passwords.rs", "MIN_CHARACTERS: usize = 15;"),
        ("src/accounts/passwords.rs", "MAX_BYTES: usize = 1024;"),
        ("src/accounts/passwords.rs", "Params::new(19 * 1024, 2, 1, None)"),
        ("src/accounts/hash_queue.rs", "PLACES_PER_CORE: usize = 128;"),
        ("src/accounts/hash_queue.rs", "PLACES_PER_LINE: usize = 32;"),
        ("Rocket.toml", "session_lifetime = 43_200 "),
        ("src/settings.rs", "IDLE_TIMEOUT: NonZeroU32 = NonZeroU32::new(2 * 60 * 60)"),
        ("Rocket.toml", "remember_lifetime = 2_592_000 "),
        ("Rocket.toml", "fresh_for = 900 "),
        ("Rocket.toml", "form = \"16KiB\""),
        ("src/accounts/login_store.rs", "RECORD_VISITS_EVERY: i64 = 60;"),
        ("src/accounts/sessions.rs", "[0; 32]"),
        ("src/accounts/throttle.rs", "MAX_FAILURES_PER_USERNAME: i64 = 10;"),
        ("src/accounts/throttle.rs", "MAX_FAILURES_PER_DEVICE: i64 = 10;"),
        ("src/accounts/throttle.rs", "MAX_FAILURES_PER_ADDRESS: i64 = 100;"),
        ("src/accounts/throttle.rs", "MAX_REGISTRATIONS_PER_ADDRESS: i64 = 20;"),
        ("src/accounts/throttle.rs", "FIRST_WAIT: i64 = 10;"),
        ("src/accounts/throttle.rs", "MAX_WAIT: i64 = 15 * 60;"),
        ("src/accounts/throttle.rs", "EMPTY_IN: i64 = 24 * 60 * 60;"),
        ("src/accounts/buckets.rs", "NonZeroUsize::new(100_000)"),
        ("src/accounts/client.rs", "MAX_USERS: usize = 5;"),
        ("src/accounts/purge.rs", "BATCH: i64 = 500;"),
        ("src/accounts/purge.rs", "PAUSE: Duration = Duration::from_millis(20);"),
        ("src/migrations.rs", "SET LOCAL lock_timeout = '2s'"),
        ("src/accounts/throttle.rs", "MAX_EXCESS: i64 = 7;"),
        ("src/log_writer.rs", "CAPACITY: usize = 1024;"),
        ("src/private_files.rs", "mode(&mut options, 0o600)"),
        ("src/private_files.rs", "mode(&mut builder, 0o700)"),
        ("src/accounts/sessions.rs", "MAX_SESSIONS_PER_USER: i64 = 100;"),
        ("src/accounts/sessions.rs", "MAX_LISTED: i64 = 50;"),
        ("src/web/client.rs", "MAX_AGE: Duration = Duration::days(365);"),
        ("login/src/next.rs", "MAX_LENGTH: usize = 2048;"),
        ("src/web/headers.rs", "Hsts::Enable(Duration::days(365))"),
        ("src/accounts/health.rs", "WRITE_INTERVAL: Duration = Duration::from_secs(1);"),
        ("src/db/mod.rs", "WAIT_TIMEOUT: Duration = Duration::from_secs(2);"),
        ("src/db/mod.rs", "QUERY_TIMEOUT: Duration = Duration::from_secs(6);"),
    ] {
        assert!(read(file).contains(text), "{file} does not contain {text}");
    }
}

#[test]
fn the_style_sheet_has_every_custom_property_of_the_restyling_page_and_no_other() {
    let properties = |text: &str| -> BTreeSet<String> {
        let names = text.split("--").skip(1).map(|rest| {
            rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap().to_owned()
        });
        names.filter(|name| !name.is_empty() && name != "test").collect()
    };
    let css = read("static/style.css");
    let root = css.split('}').next().unwrap();
    assert_eq!(properties(&read("docs/restyle.md")), properties(root));
}

#[test]
fn every_link_target_exists() {
    for document in documents() {
        let text = read(&document);
        let prose: String = text.split("\n```").step_by(2).collect();
        for rest in prose.split("](").skip(1) {
            let (link, heading) =
                rest.split(')').next().unwrap().split_once('#').unwrap_or((rest, ""));
            let link = link.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let file = if link.is_empty() { document.clone() } else { resolve(&document, link) };
            assert!(
                Path::new(ROOT).join(&file).exists(),
                "{document} links to the missing file {link}"
            );
            let has_heading = || read(&file).lines().any(|line| anchor(line) == heading);
            assert!(
                heading.is_empty() || has_heading(),
                "{document} links to the missing heading {link}#{heading}"
            );
        }
    }
}

/// Returns the anchor of a heading, or an empty string for any other line.
fn anchor(line: &str) -> String {
    let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    let is_allowed = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if line.starts_with('#') { title.chars().filter(is_allowed).collect() } else { String::new() }
}

#[test]
fn every_code_block_is_in_the_file_named_above_the_block() {
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document) {
            if matches!(block.language.as_str(), "sh" | "console" | "text" | "python" | "jinja") {
                continue;
            }
            let code = &block.text;
            let label = block
                .label
                .unwrap_or_else(|| panic!("{document} names no file for this code:\n{code}"));
            // Other tests apply the blocks of the tutorial and of the how-to pages as edits.
            let is_edit = document.starts_with("docs/tutorial/") || label.place != Place::File;
            let Some(file) = label.source.as_ref().filter(|_| !is_edit) else { continue };
            assert!(
                read(file).contains(code),
                "{document}: {file} does not contain this code:\n{code}"
            );
            count += 1;
        }
    }
    assert!(count > 10, "the documents contain only {count} code blocks");
}

#[test]
fn ci_runs_every_test_command_in_the_readme() {
    let readme = read("README.md");
    let tests = readme.split("\n## ").find(|part| part.starts_with("Tests")).unwrap();
    let commands = tests.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let run = read(".ci/run").replace("--locked ", "");
    for line in commands.lines().chain(["cargo test"]) {
        let command = line.split("  #").next().unwrap().trim();
        assert!(run.contains(command), ".ci/run does not run {command}");
    }
}

#[test]
fn the_files_linked_in_the_readme_table_contain_the_quoted_code() {
    let readme = read("README.md");
    let table = readme.split("\n## ").find(|part| part.starts_with("From Flask-Login")).unwrap();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for row in rows {
        let cell = row.split(" | ").nth(1).unwrap();
        let files: Vec<_> =
            cell.split("](").skip(1).map(|rest| read(rest.split(')').next().unwrap())).collect();
        assert!(!files.is_empty(), "this row has no link: {row}");
        for code in quoted(cell).filter(|code| !code.contains('/') || code.contains('"')) {
            assert!(
                files.iter().any(|file| file.contains(code)),
                "no linked file contains {code}: {row}"
            );
        }
    }
}

#[test]
#[ignore = "needs git, and takes a minute"]
fn the_program_in_the_crates_readme_builds_with_the_dependencies_shown() {
    let readme = read("login/README.md");
    let block = |language: &str| {
        let rest = readme.split(&format!("```{language}\n")).nth(1).unwrap();
        rest.split("```").next().unwrap().to_owned()
    };
    let dependencies = block("toml");
    assert!(dependencies.contains("git = \"…\""), "{dependencies}");
    let app = tempfile::tempdir().unwrap();
    let package = "[package]\nname = \"example\"\nedition = \"2024\"\n\n";
    let dependencies = dependencies.replace('…', &format!("file://{ROOT}"));
    fs::write(app.path().join("Cargo.toml"), format!("{package}{dependencies}")).unwrap();
    fs::create_dir(app.path().join("src")).unwrap();
    fs::write(app.path().join("src/main.rs"), block("rust,no_run")).unwrap();
    fs::copy(Path::new(ROOT).join("Cargo.lock"), app.path().join("Cargo.lock")).unwrap();
    assert!(command_in("cargo", &app).args(["build", "--quiet"]).status().unwrap().success());
}
