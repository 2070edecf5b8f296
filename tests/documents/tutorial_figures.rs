//! The length of the tutorial.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::markdown::*;

/// Runs `docs/tutorial/measure.sh`, and returns the figures in each row of its table.
fn measure(files: &[PathBuf]) -> BTreeMap<String, BTreeMap<String, f64>> {
    let output = command_in("sh", ROOT).arg("docs/tutorial/measure.sh").args(files).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    println!("{table}");
    let (header, rows) = table.split_once('\n').unwrap();
    let columns: Vec<_> = header.split_whitespace().skip(1).collect();
    let row = |line: &str| {
        let (name, figures) = line.split_at(20);
        let figures = figures.split_whitespace().map(|figure| figure.parse().unwrap_or_default());
        let columns = columns.iter().map(|column| (*column).to_owned());
        (name.trim_end().to_owned(), columns.zip(figures).collect())
    };
    rows.lines().map(row).collect()
}

#[test]
fn the_first_login_takes_at_most_5_000_words_and_320_lines_in_small_blocks() {
    let table = measure(&[]);
    let is_chapter = |name: &&String| name.starts_with(|first: char| first.is_ascii_digit());
    let chapters = table.keys().filter(is_chapter).count();
    assert!(chapters >= 2, "the tutorial has only {chapters} chapters");
    let (all, first) = (&table["all chapters"], &table["chapters 1 and 2"]);
    assert!(first["words"] <= 5_000.0, "chapters 1 and 2 have {} words", first["words"]);
    assert!(first["lines"] <= 320.0, "chapters 1 and 2 have {} lines of code", first["lines"]);
    assert!(all["longest"] <= 25.0, "a block has {} lines", all["longest"]);
    assert!(all["median"] < 15.0, "the median block has {} lines", all["median"]);
}

#[test]
fn the_script_counts_words_lines_blocks_and_commands() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = dir.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let first = write(
        "1-page.md",
        "# A page\n\nYou'll write `main.rs`. It is your program.\n\n\
         [src/main.rs](1-page/src/main.rs):\n\n```rust\nfn main() {\n}\n```\n\n\
         ```sh\ncargo run\n\ncargo test\n```\n\nThe output, for you:\n\n\
         ```console\n$ cargo run\nhello\n$ cargo test\n```\n",
    );
    let second = write(
        "2-login.md",
        "[src/main.rs](2-login/src/main.rs), below `mod db;`:\n\n```rust\nmod a;\n```\n\n\
         `src/main.rs`, continued:\n\n```rust\n1\n2\n3\n4\n```\n\nNot a file:\n\n```rust\n5\n```\n",
    );
    let table = measure(&[first, second]);
    let row = |name: &str| {
        let columns = ["words", "prose", "lines", "blocks", "longest", "median", "commands", "you"];
        columns.map(|column| table[name][column])
    };
    assert_eq!(row("1-page"), [36.0, 15.0, 2.0, 1.0, 2.0, 2.0, 4.0, 3.0]);
    assert_eq!(row("2-login"), [22.0, 9.0, 5.0, 2.0, 4.0, 2.5, 0.0, 0.0]);
    assert_eq!(row("all chapters"), [58.0, 24.0, 7.0, 3.0, 4.0, 2.0, 4.0, 3.0]);
    assert_eq!(row("chapters 1 and 2"), row("all chapters"));
    assert_eq!(table["flaskr"]["you"], 85.0);
}
