//! The tutorial: its pieces are the files, and its text alone leads to this app.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::markdown::*;

#[test]
fn the_pieces_of_a_chapter_make_whole_files() {
    let mut whole = 0;
    for chapter in chapters() {
        let mut files = BTreeMap::new();
        for (block, label) in pieces(&chapter) {
            let file: &mut String = files.entry(label.source).or_default();
            join(file, &block.text);
        }
        // What is left of it comes with the tests, and the file is copied there.
        files.remove("Cargo.toml");
        for (path, text) in files {
            let source = source(&path);
            let differs = |(piece, line): &(&str, &str)| piece != line;
            let first = text.lines().zip(source.lines()).find(differs);
            assert!(text == source, "{chapter}: the pieces are not {path}, first at {first:?}");
            whole += 1;
        }
    }
    assert!(whole > 30, "{whole}");
}

#[test]
fn every_file_of_the_app_is_explained() {
    let mut shown = Vec::new();
    let mut prose = String::new();
    for chapter in chapters() {
        shown
            .extend(blocks(&chapter).into_iter().filter_map(|block| block.label).map(|l| l.source));
        prose.push_str(&read(&chapter));
    }
    let src = files("src").into_iter();
    for file in src.chain(files("templates")).chain(files("migrations/sqlite")) {
        let is_undone = file.ends_with("down.sql");
        let is_linked = prose.contains(&format!("](../../{file})"));
        assert!(is_undone || is_linked, "no chapter links to {file}");
        let is_plain = file.starts_with("templates/") || is_undone;
        assert!(is_plain || shown.contains(&file), "no chapter shows anything of {file}");
    }
}

#[test]
fn every_chapter_has_a_program_that_is_its_own() {
    for example in files("examples") {
        let chapter = example.replace("examples", "docs/tutorial").replace(".rs", ".md");
        assert!(pieces(&chapter).any(|(_, label)| label.source == example), "{chapter}");
    }
}

#[test]
fn the_program_of_every_chapter_serves_a_page() {
    let build = typed("cargo", ROOT).args(["build", "--quiet", "--examples"]).status();
    assert!(build.unwrap().success());
    for example in files("examples") {
        let name = example.trim_start_matches("examples/").trim_end_matches(".rs");
        let dir = tempfile::tempdir().unwrap();
        let mut program = Command::new(target().join("debug/examples").join(name));
        program.env("ROCKET_CONFIG", format!("{ROOT}/Rocket.toml")).env("ROCKET_PORT", "0");
        program.env("ROCKET_DATA_DIR", dir.path()).env("ROCKET_CLI_COLORS", "false");
        let (_server, said) = Server::start(program.current_dir(dir.path()));
        let port = said.trim_end().rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("200 OK"), "{name}: {answer}");
        let greeting =
            if name < "04" { "Hello, stranger." } else { "<a href=\"/login\">Log in</a>" };
        assert!(answer.contains(greeting), "{name}: {answer}");
    }
}

#[test]
#[ignore = "needs curl and minutes"]
fn who_follows_the_text_alone_arrives_at_this_app() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(ROOT, dir.path().join("rocket-login")).unwrap();
    let mut reader = Reader::new(dir.path().join("my-login"));
    for chapter in chapters() {
        reader.follow(&chapter);
    }
    for folder in ["src", "templates", "static", "migrations"] {
        for file in files(folder) {
            let theirs = fs::read_to_string(reader.folder.join(&file)).unwrap_or_default();
            assert!(theirs == read(&file), "who follows the text has another {file}");
        }
    }
}

/// The first two chapters, rewritten: a login with the crate alone.
const START: [(&str, &str); 2] = [
    ("docs/start/1-page.md", "docs/start/1-page"),
    ("docs/start/2-login.md", "docs/start/2-login"),
];

#[test]
fn the_first_two_chapters_show_all_of_their_programs_in_small_pieces() {
    let (mut words, mut lines) = (0, 0);
    for (chapter, program) in START {
        let mut shown = BTreeMap::new();
        for (block, label) in pieces(chapter) {
            lines += block.text.lines().count();
            assert!(block.text.lines().count() <= 25, "{chapter}: too long:\n{}", block.text);
            join(shown.entry(label.source).or_default(), &block.text);
        }
        for file in program_files(program) {
            // These are made by commands.
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
fn who_follows_the_first_two_chapters_logs_in() {
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

/// The files of a chapter's program, without what running it has left.
fn program_files(program: &str) -> Vec<String> {
    let left = [".lock", ".sqlite"];
    let is_source = |file: &String| {
        !file.contains("/target/") && !left.iter().any(|ending| file.ends_with(ending))
    };
    files(program).into_iter().filter(is_source).collect()
}

/// The pieces that a reader puts into files.
fn pieces(chapter: &str) -> impl Iterator<Item = (Block, Label)> {
    let labelled = |mut block: Block| block.label.take().map(|label| (block, label));
    blocks(chapter).into_iter().filter_map(labelled).filter(|(_, label)| !label.is_excerpt)
}

/// Pieces go one below the other, with an empty line between them.
fn join(file: &mut String, piece: &str) {
    if !file.is_empty() {
        file.push('\n');
    }
    file.push_str(piece);
}

/// Somebody who does what the text says, in a folder that was empty.
struct Reader {
    folder: PathBuf,
    port: u16,
    server: Option<Server>,
}

impl Reader {
    fn new(folder: PathBuf) -> Reader {
        fs::create_dir(&folder).unwrap();
        // As it is where a person looks at its output.
        fs::write(folder.with_file_name(".curlrc"), "silent\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Reader { folder, port, server: None }
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

    /// Types each line that begins with `$`, and compares what comes after it.
    fn console(&mut self, chapter: &str, text: &str) {
        for part in format!("\n{text}").split("\n$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            let said = if expected.contains("Rocket has launched") {
                self.server = None;
                let (server, said) = Server::start(&mut self.command(command));
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
        // No chapter's program is built a second time.
        shell.env("CARGO_INCREMENTAL", "0").env("CURL_HOME", self.folder.parent().unwrap());
        shell.env("CARGO_TERM_COLOR", "never").env("ROCKET_CLI_COLORS", "false");
        shell.env("ROCKET_PORT", self.port.to_string());
        shell
    }
}

/// A server in the background, which ends with this.
struct Server(Child);

impl Server {
    /// Waits until it answers, and returns what it has said until then.
    fn start(command: &mut Command) -> (Server, String) {
        let mut child = command.stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        for line in lines.by_ref().map(Result::unwrap) {
            said.push_str(&format!("{line}\n"));
            if line.contains("Rocket has launched") {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        (Server(child), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// Whether `got` is what was `wanted`, where a line of `…` stands for any lines and a `…` in a line for
/// anything in it.
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
