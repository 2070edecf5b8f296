//! The tutorial, whose code blocks must match the files of its programs, and whose commands must
//! work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::markdown::*;
use crate::server::{self, Server};

/// The chapters, each with its program.
const CHAPTERS: [(&str, &str); 2] = [
    ("docs/start/1-page.md", "docs/start/1-page"),
    ("docs/start/2-login.md", "docs/start/2-login"),
];

#[test]
fn the_chapters_show_their_whole_programs_in_small_blocks() {
    let (mut words, mut lines) = (0, 0);
    for (chapter, program) in CHAPTERS {
        let mut shown = BTreeMap::new();
        for (block, label) in file_blocks(chapter) {
            lines += block.text.lines().count();
            assert!(
                block.text.lines().count() <= 25,
                "{chapter}: this block is too long:\n{}",
                block.text
            );
            append_block(shown.entry(label.source).or_default(), &block.text);
        }
        for file in program_files(program) {
            // Skips the files that the chapter's commands create.
            if !file.ends_with("Cargo.toml") && !file.ends_with("down.sql") {
                assert!(
                    shown.get(&file) == Some(&read(&file)),
                    "{chapter} shows a different {file}"
                );
            }
        }
        words += read(chapter).split_whitespace().count();
    }
    assert!(words <= 5_000 && lines <= 320, "{words} words, {lines} lines of code");
}

#[test]
#[ignore = "needs curl, and takes minutes"]
fn following_the_chapters_reproduces_their_programs() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(ROOT, dir.path().join("rocket-login")).unwrap();
    let mut reader = Reader::new(dir.path().join("my-login"));
    for (chapter, program) in CHAPTERS {
        reader.follow(chapter);
        for file in program_files(program) {
            let path = reader.dir.join(file.strip_prefix(&format!("{program}/")).unwrap());
            let written = fs::read_to_string(path).unwrap_or_default();
            if file.ends_with("Cargo.toml") {
                // Compares only the dependencies, because the rest of the file can differ.
                let names = |text: &str| -> BTreeSet<String> {
                    let dependencies = text.split("[dependencies]").nth(1).unwrap();
                    let lines = dependencies.lines().take_while(|line| !line.starts_with('['));
                    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
                };
                assert_eq!(names(&written), names(&read(&file)), "{file}");
            } else {
                assert!(written == read(&file), "a reader of {chapter} writes a different {file}");
            }
        }
    }
}

#[test]
#[ignore = "builds the app"]
fn the_production_page_shows_the_output_of_its_commands() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = Reader::new(dir.path().join("empty"));
    reader.dir = ROOT.into();
    reader.data_dir = Some(dir.path().join("data"));
    for name in ["ada", "grace"] {
        let password = "a horse that staples batteries";
        let add = format!("echo '{password}' | cargo run --quiet -- user add {name}");
        assert_eq!(reader.run(&add), (true, format!("Added {name}.\n")));
    }
    reader.follow("docs/production.md");
}

/// Returns the files of a chapter's program, without build artifacts and data.
fn program_files(program: &str) -> Vec<String> {
    let excluded = [".lock", ".sqlite"];
    let is_source = |file: &String| {
        !file.contains("/target/") && !excluded.iter().any(|suffix| file.ends_with(suffix))
    };
    files(program).into_iter().filter(is_source).collect()
}

/// Returns the blocks that a reader writes to files.
fn file_blocks(chapter: &str) -> impl Iterator<Item = (Block, Label)> {
    let labelled = |mut block: Block| block.label.take().map(|label| (block, label));
    blocks(chapter).into_iter().filter_map(labelled).filter(|(_, label)| !label.is_excerpt)
}

/// Appends a block to a file, after an empty line.
fn append_block(file: &mut String, block: &str) {
    if !file.is_empty() {
        file.push('\n');
    }
    file.push_str(block);
}

/// A simulated reader, who writes the files and runs the commands of a chapter in a directory.
struct Reader {
    dir: PathBuf,
    port: u16,
    /// The app's data directory, if it is not in `dir`.
    data_dir: Option<PathBuf>,
    server: Option<Server>,
}

impl Reader {
    fn new(dir: PathBuf) -> Reader {
        fs::create_dir(&dir).unwrap();
        // Hides curl's progress meter, because curl does not show the meter in a terminal.
        fs::write(dir.with_file_name(".curlrc"), "silent\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Reader { dir, port, data_dir: None, server: None }
    }

    fn follow(&mut self, chapter: &str) {
        println!("{chapter}");
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for block in blocks(chapter) {
            match (&block.label, block.language.as_str()) {
                (Some(label), _) if !label.is_excerpt => {
                    let file = files.entry(label.name.clone()).or_default();
                    append_block(file, &block.text);
                    self.write(&label.name, file);
                }
                (None, "sh") => {
                    let (is_success, output) = self.run(&format!("set -e\n{}", block.text));
                    assert!(is_success, "{chapter}:\n{}\n{output}", block.text);
                }
                (None, "console") => self.console(chapter, &block.text),
                _ => {}
            }
        }
        self.server = None;
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs each line that begins with `$`, and compares the output with the following lines.
    fn console(&mut self, chapter: &str, text: &str) {
        for part in format!("\n{text}").split("\n$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let output = if expected.contains("Rocket has launched") {
                self.server = None;
                let server = server::start(&mut self.command(command));
                let launch = server.launch.clone();
                self.server = Some(server);
                launch
            } else {
                self.run(command).1
            };
            let output = output.replace(&format!(":{}", self.port), ":8000");
            let (expected_lines, actual_lines) = (lines(expected), lines(&output));
            assert!(
                matches(&expected_lines, &actual_lines),
                "{chapter}:\n$ {command}\n{expected}\n--- but the command prints\n{output}"
            );
        }
    }

    fn run(&self, command: &str) -> (bool, String) {
        let output = self.command(command).stdin(Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, command: &str) -> Command {
        let command = command.replace(":8000", &format!(":{}", self.port));
        let mut shell = command_in("sh", &self.dir);
        shell.args(["-c", &format!("exec 2>&1\n{command}")]);
        // Disables incremental builds, because each program is built only once.
        shell.env("CARGO_INCREMENTAL", "0").env("CURL_HOME", self.dir.parent().unwrap());
        shell.env("CARGO_TERM_COLOR", "never").env("ROCKET_CLI_COLORS", "false");
        shell.env("ROCKET_PORT", self.port.to_string());
        if let Some(data_dir) = &self.data_dir {
            shell.env("ROCKET_DATA_DIR", data_dir);
        }
        shell
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// Returns whether `actual` matches `expected`. A line that is `…` stands for any number of lines,
/// and `…` within a line stands for any text.
fn matches(expected: &[&str], actual: &[&str]) -> bool {
    match (expected, actual) {
        ([], []) => true,
        (["…", rest @ ..], _) => (0..=actual.len()).any(|skip| matches(rest, &actual[skip..])),
        ([line, rest @ ..], [actual_line, actual_rest @ ..]) => {
            line_matches(line, actual_line) && matches(rest, actual_rest)
        }
        _ => false,
    }
}

fn line_matches(expected: &str, actual: &str) -> bool {
    match expected.split_once('…') {
        None => expected == actual,
        Some((start, rest)) => actual.strip_prefix(start).is_some_and(|actual| {
            (0..=actual.len())
                .any(|i| actual.is_char_boundary(i) && line_matches(rest, &actual[i..]))
        }),
    }
}
