//! The page about the architecture names the files and the rules that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::markdown::*;

const PAGE: &str = "docs/architecture.md";
const DRAWING: &str = "docs/architecture.svg";

/// Returns whether `src/demo/remove.sh` has removed the part with this name or path.
fn is_removed(name: &str) -> bool {
    let is_demo = name.contains("demo") || name.contains("trace");
    is_demo && !Path::new(ROOT).join("src/demo").exists()
}

/// Returns the code in backticks that is a path of this repository.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |code: &&str| code.contains('/') && !code.starts_with('/') && !code.contains(' ');
    quoted(text).filter(is_path)
}

#[track_caller]
fn assert_exists(document: &str, path: &str) {
    let exists = Path::new(ROOT).join(path).exists();
    assert!(exists || is_removed(path), "{document} names {path}, which does not exist");
}

/// Returns the names in each row of a table, by the name in its first cell.
fn rows(table: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let row = |line| {
        let cells: Vec<&str> = str::split(line, " |").collect();
        let part = quoted(cells[0]).next()?;
        Some((part, quoted(cells[2]).collect()))
    };
    table.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect()
}

#[test]
fn every_path_on_the_page_and_in_the_drawing_exists() {
    let page = read(PAGE);
    assert!(paths(&page).count() > 50, "the page names few paths");
    paths(&page).for_each(|path| assert_exists(PAGE, path));
    let drawing = read(DRAWING);
    let texts = drawing.split('>').skip(1).map(|rest| rest.split('<').next().unwrap());
    let paths: Vec<_> = texts.filter(|text| text.contains('/') && !text.contains(' ')).collect();
    assert!(paths.len() >= 8, "the drawing names only {paths:?}");
    paths.into_iter().for_each(|path| assert_exists(DRAWING, path));
}

#[test]
fn the_page_has_every_part_of_the_app_and_what_it_may_use() {
    let page = read(PAGE);
    let mut table = rows(page.split("\n## How a request is handled").next().unwrap());
    table.retain(|part, _| !is_removed(part));
    table.values_mut().for_each(|used| used.retain(|part| !is_removed(part)));

    let test = read("tests/app/architecture.rs");
    let list = test.split("const MODULES").nth(1).unwrap().split("\n];").next().unwrap();
    let entries = list.split("\n    (").skip(1).map(|entry| {
        let mut names = entry.split('"').skip(1).step_by(2);
        let part = names.next().unwrap();
        (part, names.filter(|used| *used != part).collect())
    });
    assert_eq!(table, entries.collect());
}

#[test]
fn the_drawing_has_a_title_and_colours_for_the_dark_mode() {
    let drawing = read(DRAWING);
    assert!(drawing.contains("<title") && drawing.contains("prefers-color-scheme: dark"));
    let page = read(PAGE);
    let alternative =
        page.split("](architecture.svg)").next().unwrap().rsplit("![").next().unwrap();
    for part in ["src/routes/", "src/web/", "src/accounts/", "login/"] {
        assert!(drawing.contains(part) && alternative.contains(part), "{part} is missing");
    }
}

#[test]
fn every_name_that_the_page_places_in_a_file_is_in_that_file() {
    let page = read(PAGE);
    let mut count = 0;
    for (before, after) in page.match_indices("` in `").map(|(at, _)| page.split_at(at)) {
        let name = before.rsplit('`').next().unwrap();
        let file = quoted(after.trim_start_matches('`')).next().unwrap();
        if Path::new(ROOT).join(file).is_file() {
            assert!(read(file).contains(name), "{file} does not contain {name}");
            count += 1;
        }
    }
    assert!(count >= 8, "the page places only {count} names");
}

#[test]
fn the_files_of_a_login_make_the_calls_that_the_page_describes() {
    let page = read(PAGE);
    let section =
        page.split("\n## How a login works").nth(1).unwrap().split("\n## ").next().unwrap();
    let steps: Vec<_> = section.lines().filter(|line| line.contains(". ")).collect();
    assert!(steps.len() >= 10, "{steps:?}");
    // The calls that lead from one step to the next.
    for (file, call) in [
        ("src/web/client.rs", "for Client"),
        ("src/routes/login.rs", ".authenticate("),
        ("src/accounts/authenticate.rs", ".find_by_username("),
        ("src/accounts/users.rs", "fn find_by_username("),
        ("src/accounts/authenticate.rs", ".queue.enter("),
        ("src/accounts/authenticate.rs", ".throttle.begin("),
        ("src/accounts/authenticate.rs", ".hasher.verify("),
        ("src/routes/login.rs", ".log_in("),
        ("login/src/session.rs", ".begin_session("),
        ("src/accounts/login_store.rs", "sessions::insert("),
        ("login/src/session.rs", "Event::LoggedIn"),
        ("src/lib.rs", ".record_login("),
    ] {
        assert!(section.contains(file), "the section on the login lacks {file}");
        assert!(read(file).contains(call), "{file} does not contain {call}");
    }
}

#[test]
fn the_page_is_short() {
    let page = read(PAGE);
    let is_word = |word: &&str| word.contains(char::is_alphanumeric);
    let words = page.split_whitespace().filter(is_word).count();
    assert!(words <= 750, "the page has {words} words");
}
