//! The tutorial: its blocks are the files of its programs, and its text alone leads to a login.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::markdown::*;
use crate::server::{self, Server};

/// The chapters, each with its program.
const START: [(&str, &str); 2] = [
    ("docs/start/1-page.md", "docs/start/1-page"),
    ("docs/start/2-login.md", "docs/start/2-login"),
];

#[test]
fn the_chapters_show_all_of_their_programs_in_small_blocks() {
    let (mut words, mut lines) = (0, 0);
    for (chapter, program) in START {
        let mut shown = BTreeMap::new();
        for (block, label) in pieces(chapter) {
            lines += block.text.lines().count();
            assert!(block.text.lines().count() <= 25, "{chapter}: too long:\n{}", block.text);
            join(shown.entry(label.source).or_default(), &block.text);
        }
        for file in program_files(program) {
            // Commands create these.
            if !file.ends_with("Cargo.toml") && !file.ends_with("down.sql") {
                assert!(shown.get(&file) == Some(&read(&file)), "{chapter} shows another {file}");
            }
        }
        words += read(chapter).split_whitespace().count();
    }
    assert!(words <= 5_000 && lines <= 320, "{words} words, {lines} lines of code");
}

#[test]
#[ignore = "needs curl and minutes"]
fn following_the_chapters_leads_to_a_login() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(ROOT, dir.path().join("rocket-login")).unwrap();
    let mut reader = Reader::new(dir.path().join("my-login"));
    for (chapter, program) in START {
        reader.follow(chapter);
        for file in program_files(program) {
            let theirs = reader.folder.join(file.strip_prefix(&format!("{program}/")).unwrap());
            let theirs = fs::read_to_string(theirs).unwrap_or_default();
            if file.ends_with("Cargo.toml") {
                // The same dependencies, whatever else is there.
                let names = |text: &str| -> BTreeSet<String> {
                    let dependencies = text.split("[dependencies]").nth(1).unwrap();
                    let lines = dependencies.lines().take_while(|line| !line.starts_with('['));
                    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
                };
                assert_eq!(names(&theirs), names(&read(&file)), "{file}");
            } else {
                assert!(theirs == read(&file), "who follows the text has another {file}");
            }
        }
    }
}

#[test]
#[ignore = "builds the app"]
fn the_commands_of_the_production_page_print_what_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = Reader::new(dir.path().join("empty"));
    reader.folder = ROOT.into();
    reader.data_dir = Some(dir.path().join("data"));
    for name in ["ada", "grace"] {
        let password = "a horse that staples batteries";
        let add = format!("echo '{password}' | cargo run --quiet -- user add {name}");
        assert_eq!(reader.run(&add), (true, format!("Added {name}.\n")));
    }
    reader.follow("docs/production.md");
}

/// The files of a chapter's program, without build artifacts and data.
fn program_files(program: &str) -> Vec<String> {
    let left = [".lock", ".sqlite"];
    let is_source = |file: &String| {
        !file.contains("/target/") && !left.iter().any(|ending| file.ends_with(ending))
    };
    files(program).into_iter().filter(is_source).collect()
}

/// The blocks that a reader writes into files.
fn pieces(chapter: &str) -> impl Iterator<Item = (Block, Label)> {
    let labelled = |mut block: Block| block.label.take().map(|label| (block, label));
    blocks(chapter).into_iter().filter_map(labelled).filter(|(_, label)| !label.is_excerpt)
}

/// Appends a block to a file, after an empty line.
fn join(file: &mut String, piece: &str) {
    if !file.is_empty() {
        file.push('\n');
    }
    file.push_str(piece);
}

/// Follows a chapter in an empty folder: writes its files and runs its commands.
struct Reader {
    folder: PathBuf,
    port: u16,
    /// Where the app keeps its data, if not in the folder.
    data_dir: Option<PathBuf>,
    server: Option<Server>,
}

impl Reader {
    fn new(folder: PathBuf) -> Reader {
        fs::create_dir(&folder).unwrap();
        // As in a terminal, where curl shows no progress.
        fs::write(folder.with_file_name(".curlrc"), "silent\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Reader { folder, port, data_dir: None, server: None }
    }

    fn follow(&mut self, chapter: &str) {
        println!("{chapter}");
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for block in blocks(chapter) {
            match (&block.label, block.language.as_str()) {
                (Some(label), _) if !label.is_excerpt => {
                    let file = files.entry(label.name.clone()).or_default();
                    join(file, &block.text);
                    self.write(&label.name, file);
                }
                (None, "sh") => {
                    let (ok, said) = self.run(&format!("set -e\n{}", block.text));
                    assert!(ok, "{chapter}:\n{}\n{said}", block.text);
                }
                (None, "console") => self.console(chapter, &block.text),
                _ => {}
            }
        }
        self.server = None;
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs each line that begins with `$`, and compares its output.
    fn console(&mut self, chapter: &str, text: &str) {
        for part in format!("\n{text}").split("\n$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let said = if expected.contains("Rocket has launched") {
                self.server = None;
                let server = server::start(&mut self.command(command));
                let said = server.launch.clone();
                self.server = Some(server);
                said
            } else {
                self.run(command).1
            };
            let said = said.replace(&format!(":{}", self.port), ":8000");
            let (wanted, got) = (lines(expected), lines(&said));
            assert!(
                matches(&wanted, &got),
                "{chapter}:\n$ {command}\n{expected}\n--- but it prints\n{said}"
            );
        }
    }

    fn run(&self, command: &str) -> (bool, String) {
        let output = self.command(command).stdin(Stdio::null()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, command: &str) -> Command {
        let command = command.replace(":8000", &format!(":{}", self.port));
        let mut shell = typed("sh", &self.folder);
        shell.args(["-c", &format!("exec 2>&1\n{command}")]);
        // Each program is built only once.
        shell.env("CARGO_INCREMENTAL", "0").env("CURL_HOME", self.folder.parent().unwrap());
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

/// Whether `got` matches `wanted`, where a line `…` stands for any lines, and a `…` in a line for any
/// text.
fn matches(wanted: &[&str], got: &[&str]) -> bool {
    match (wanted, got) {
        ([], []) => true,
        (["…", rest @ ..], _) => (0..=got.len()).any(|skip| matches(rest, &got[skip..])),
        ([line, rest @ ..], [first, others @ ..]) => fits(line, first) && matches(rest, others),
        _ => false,
    }
}

fn fits(wanted: &str, got: &str) -> bool {
    match wanted.split_once('…') {
        None => wanted == got,
        Some((start, rest)) => got.strip_prefix(start).is_some_and(|got| {
            (0..=got.len()).any(|i| got.is_char_boundary(i) && fits(rest, &got[i..]))
        }),
    }
}
