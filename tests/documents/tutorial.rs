//! The tutorial, whose code blocks must match the files of its programs, and whose commands must
//! work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rocket::serde::json::json;

use crate::browser::{Browser, PASSWORD};
use crate::markdown::*;
use crate::server::{self, Server};

/// Returns the chapters, in order, each with its program if it has one.
fn chapters() -> Vec<(String, Option<String>)> {
    let mut chapters: Vec<(u32, String)> = files("docs/tutorial")
        .into_iter()
        .filter_map(|file| {
            let name = file.strip_prefix("docs/tutorial/")?.strip_suffix(".md")?;
            Some((name.split('-').next()?.parse().ok()?, file))
        })
        .collect();
    chapters.sort();
    let program = |file: &str| {
        let program = file.strip_suffix(".md").unwrap().to_owned();
        std::path::Path::new(ROOT).join(&program).join("Cargo.toml").exists().then_some(program)
    };
    chapters.into_iter().map(|(_, file)| (file.clone(), program(&file))).collect()
}

/// Set this variable to write the programs, after a change of a chapter.
const WRITE: &str = "WRITE_PROGRAMS";

#[test]
fn each_program_is_the_previous_one_with_the_blocks_of_its_chapter() {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (chapter, program) in chapters() {
        println!("{chapter}");
        for block in blocks(&chapter) {
            let lines = block.text.lines().count();
            if block.text.contains("> src/schema.rs") {
                // From here on, a command writes the file.
                shown.remove("src/schema.rs");
            }
            for line in block.text.lines().filter(|_| block.language == "sh") {
                if let Some(dir) = line.strip_prefix("rm -r ") {
                    shown.retain(|file, _| !file.starts_with(&format!("{dir}/")));
                }
            }
            for (label, text) in edits(block) {
                assert!(lines <= 25, "{chapter}: this block is too long:\n{text}");
                let (source, program) = (label.source.as_ref(), program.as_ref());
                let expected = program.map(|program| format!("{program}/{}", label.name));
                assert_eq!(source, expected.as_ref(), "{chapter}: {}", label.name);
                let file = shown.entry(label.name.clone()).or_default();
                *file = label.place.apply(file, &text);
            }
        }
        let Some(program) = program else { continue };
        if std::env::var_os(WRITE).is_some() {
            for (file, text) in &shown {
                write(&std::path::Path::new(ROOT).join(&program), file, text);
            }
        }
        for file in program_files(&program) {
            let name = file.strip_prefix(&format!("{program}/")).unwrap();
            // The chapter's commands make the other files.
            if let Some(text) = shown.get(name) {
                assert!(*text == read(&file), "{chapter} shows a different {file}:\n{text}");
            } else {
                assert!(
                    !name.starts_with("src/") || name == "src/schema.rs",
                    "{chapter} does not show {file}"
                );
            }
        }
        for name in shown.keys() {
            assert!(
                std::path::Path::new(ROOT).join(&program).join(name).exists(),
                "{program} has no {name}"
            );
        }
    }
}

#[test]
#[ignore = "needs curl, Chromium and the diesel CLI, and takes minutes"]
fn following_the_chapters_reproduces_their_programs() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(ROOT, dir.path().join("rocket-login")).unwrap();
    let clone = dir.path().join("clone");
    clone_programs(&clone);
    let mut reader = Reader::new(dir.path().join("my-login"));
    // For a quick check of some chapters only, which begins with the program before them.
    let number = |name| std::env::var(name).ok().map(|number| number.parse::<usize>().unwrap());
    let (first, last) =
        (number("FIRST_CHAPTER").unwrap_or(1), number("LAST_CHAPTER").unwrap_or(99));
    let all = chapters();
    if first > 1 {
        reader.copy_program(all[first - 2].1.as_ref().unwrap());
    }
    for (chapter, program) in all.into_iter().take(last).skip(first - 1) {
        let Some(program) = program else { continue };
        if chapter.ends_with("13-postgresql.md") {
            reader.use_postgres();
        }
        reader.pauses =
            ["6-guards.md", "10-rate-limits.md"].iter().any(|name| chapter.ends_with(name));
        reader.follow(&chapter);
        if chapter.ends_with("4-passwords.md") {
            reader.check_timings();
        }
        reader.browse(&chapter, &clone.join(&program));
        for file in program_files(&program) {
            let name = file.strip_prefix(&format!("{program}/")).unwrap();
            let written = fs::read_to_string(reader.dir.join(name)).unwrap_or_default();
            if name == "Cargo.toml" {
                // Compares only the dependencies, because the rest of the file can differ.
                let names = |text: &str| -> BTreeSet<String> {
                    let dependencies = text.split("[dependencies]").nth(1).unwrap();
                    let lines = dependencies.lines().take_while(|line| !line.starts_with('['));
                    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
                };
                assert_eq!(names(&written), names(&read(&file)), "{file}");
            } else {
                assert!(
                    written == read(&file),
                    "a reader of {chapter} has a different {file}:\n{written}"
                );
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

/// Copies the programs of the tutorial and the crate, as a clone contains them.
fn clone_programs(clone: &std::path::Path) {
    for file in files("docs/tutorial").into_iter().chain(files("login")) {
        if !file.contains("/target/") && !file.contains(".sqlite") {
            write(clone, &file, &read(&file));
        }
    }
}

/// Applies each solution to the program of its exercise's chapter, and runs its commands.
#[test]
#[ignore = "needs curl and the diesel CLI, and takes minutes"]
fn the_solutions_of_the_exercises_work() {
    let only = std::env::var("SOLUTION").unwrap_or_default();
    let mut count = 0;
    for (chapter, program) in chapters() {
        for link in read(&chapter).split("](solutions/").skip(1) {
            let name = link.split(')').next().unwrap();
            if !name.contains(&only) {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let mut reader = Reader::new(dir.path().join("my-login"));
            reader.copy_program(program.as_ref().unwrap());
            reader.follow(&format!("docs/tutorial/solutions/{name}"));
            count += 1;
        }
    }
    assert!(count >= 5 || !only.is_empty(), "{count}");
}

/// Returns the files of a chapter's program, without build artifacts and data.
fn program_files(program: &str) -> Vec<String> {
    let excluded = [".lock", ".sqlite"];
    let is_source = |file: &String| {
        !file.contains("/target/") && !excluded.iter().any(|suffix| file.ends_with(suffix))
    };
    files(program).into_iter().filter(is_source).collect()
}

/// Returns what the reader does to files, in order: the deletions before a block, and the block itself.
pub(crate) fn edits(mut block: Block) -> Vec<(Label, String)> {
    let mut edits: Vec<_> = block.deletions.drain(..).map(|label| (label, String::new())).collect();
    if let Some(label) = block.label.filter(|label| !label.is_excerpt) {
        edits.push((label, block.text));
    }
    edits
}

fn write(dir: &std::path::Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// How long a person takes to type a command.
const HUMAN_PAUSE: Duration = Duration::from_secs(5);

/// A simulated reader, who writes the files and runs the commands of a chapter in a directory.
pub(crate) struct Reader {
    pub(crate) dir: PathBuf,
    port: u16,
    /// The app's data directory, if it is not in `dir`.
    data_dir: Option<PathBuf>,
    variables: Vec<(&'static str, String)>,
    /// Whether the reader waits before each request, as long as a person who types it.
    pauses: bool,
    /// What `curl` printed for `%{time_total}`, in seconds.
    timings: Vec<f64>,
    server: Option<Server>,
}

impl Reader {
    pub(crate) fn new(dir: PathBuf) -> Reader {
        fs::create_dir(&dir).unwrap();
        // Hides curl's progress meter, because curl does not show the meter in a terminal.
        fs::write(dir.with_file_name(".curlrc"), "silent\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Reader {
            dir,
            port,
            data_dir: None,
            variables: Vec::new(),
            pauses: false,
            timings: Vec::new(),
            server: None,
        }
    }

    /// Copies the program of a chapter, with its users ada and mallory.
    fn copy_program(&mut self, program: &str) {
        for file in program_files(program) {
            let name = file.strip_prefix(&format!("{program}/")).unwrap();
            write(&self.dir, name, &read(&file));
        }
        let manifest = read(format!("{program}/Cargo.toml"))
            .replace("../../../login", &format!("{ROOT}/login"));
        let workspace = read("docs/tutorial/Cargo.toml");
        let profile = workspace.find("[profile").unwrap();
        write(
            &self.dir,
            "Cargo.toml",
            &format!("{manifest}\n[workspace]\n\n{}", &workspace[profile..]),
        );
        write(&self.dir, "Cargo.lock", &read("docs/tutorial/Cargo.lock"));
        write(&self.dir, ".env", "DATABASE_URL=users.sqlite\n");
        self.run("echo \"ROCKET_SECRET_KEY=$(openssl rand -base64 32)\" >> .env");
        for (name, password) in [("ada", PASSWORD), ("mallory", "correct horse battery staple")] {
            write(
                &self.dir,
                &format!("{name}.form"),
                &format!("username={name}&password={password}"),
            );
            let (is_success, output) =
                self.run(&format!("echo '{password}' | cargo run --quiet -- {name}"));
            assert!(is_success, "{output}");
        }
    }

    /// Gives the reader a PostgreSQL database for the app and one for its tests.
    fn use_postgres(&mut self) {
        let url = std::env::var("TEST_DATABASE_URL").expect("Set TEST_DATABASE_URL for chapter 13");
        for (name, schema) in [("DATABASE_URL", "tutorial"), ("TEST_DATABASE_URL", "tutorial_test")]
        {
            let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
            assert!(Command::new("psql").args([&url, "-qc", &sql]).status().unwrap().success());
            self.variables.push((name, format!("{url}?options=-csearch_path%3D{schema}")));
        }
    }

    /// Compares the logins of a user and of an unknown user, before and after the chapter.
    fn check_timings(&self) {
        let [user, unknown, user_after, unknown_after] = self.timings[..] else {
            panic!("{:?}", self.timings)
        };
        assert!(user > 2.0 * unknown, "an unknown username takes as long: {:?}", self.timings);
        let ratio = unknown_after / user_after;
        assert!((0.4..2.5).contains(&ratio), "response times still differ: {:?}", self.timings);
    }

    /// Starts the program of the chapter in a clone with the reader's database, and visits its pages
    /// in a browser.
    fn browse(&mut self, chapter: &str, program: &std::path::Path) {
        println!("{chapter} in a browser");
        let number: u32 =
            chapter.rsplit('/').next().unwrap().split('-').next().unwrap().parse().unwrap();
        let database = self.dir.join("users.sqlite");
        if database.exists() {
            fs::copy(database, program.join("users.sqlite")).unwrap();
        }
        let reader_dir = std::mem::replace(&mut self.dir, program.to_owned());
        let _server = server::start(&mut self.command("cargo run --quiet --locked"));
        self.dir = reader_dir;
        let browser = Browser::new(self.port, json!({}));
        browser.open("/");
        browser.assert_contains("Hello!");
        if number == 1 {
            return;
        }
        if number >= 5 {
            browser.follow("Log in");
            browser.follow("Register");
            browser.type_into("username", "a b");
            browser.type_into("password", PASSWORD);
            browser.press("Register");
            browser.assert_contains("Use 3 to 32 letters");
            browser.type_into("username", "\u{8}\u{8}\u{8}ada");
            browser.type_into("password", PASSWORD);
            browser.press("Register");
            browser.assert_contains("This username is taken.");
        }
        browser.open("/dashboard");
        browser.assert_contains("Please log in to access this page.");
        browser.type_into("username", "ada");
        browser.type_into("password", "wrong");
        browser.press("Log in");
        browser.assert_contains("Invalid username or password.");
        browser.type_into("username", "ada");
        browser.type_into("password", PASSWORD);
        browser.press("Log in");
        browser.assert_contains("Login successful.");
        browser.assert_contains("Welcome, ada!");
        if number >= 6 {
            browser.follow("Change your password");
            browser.type_into("password", PASSWORD);
            browser.press("Change password");
            browser.assert_contains("Your password has been changed.");
            browser.open("/users");
            browser.assert_contains("ada");
            browser.open("/dashboard");
        }
        if number >= 7 {
            browser.follow("Your devices");
            browser.assert_contains("This is your current device.");
        }
        if number >= 8 {
            browser.open("/no-such-page");
            browser.assert_contains("There is no page at this address.");
        }
        browser.open("/dashboard");
        browser.press("Log out");
        browser.assert_contains("You have been logged out.");
        browser.open("/dashboard");
        browser.assert_contains("Please log in to access this page.");
    }

    pub(crate) fn follow(&mut self, chapter: &str) {
        println!("{chapter}");
        for block in blocks(chapter) {
            let (language, text) = (block.language.clone(), block.text.clone());
            let is_command = block.label.is_none();
            for (label, text) in edits(block) {
                let file = fs::read_to_string(self.dir.join(&label.name)).unwrap_or_default();
                write(&self.dir, &label.name, &label.place.apply(&file, &text));
            }
            match language.as_str() {
                "sh" if is_command => {
                    let (is_success, output) = self.run(&format!("set -e\n{text}"));
                    assert!(is_success, "{chapter}:\n{text}\n{output}");
                }
                "console" if is_command => self.console(chapter, &text),
                _ => {}
            }
        }
        self.server = None;
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
                if self.pauses && command.starts_with("curl") {
                    std::thread::sleep(HUMAN_PAUSE);
                }
                self.run(command).1
            };
            if command.contains("%{time_total}") {
                // Other processes can delay a request, so the shortest time counts.
                let times = (0..5).map(|_| self.run(command).1.trim().parse::<f64>().unwrap());
                self.timings.push(times.fold(f64::MAX, f64::min));
            }
            let output = output.replace(&format!(":{}", self.port), ":8000");
            let (expected_lines, actual_lines) = (lines(expected), lines(&output));
            assert!(
                matches(&expected_lines, &actual_lines),
                "{chapter}:\n$ {command}\n{expected}\n--- but the command prints\n{output}"
            );
        }
    }

    pub(crate) fn run(&self, command: &str) -> (bool, String) {
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
        // `.ci/run` has installed the tools there, so that a reader's `cargo install` has nothing to do.
        shell.env("CARGO_INSTALL_ROOT", format!("{ROOT}/target/tools"));
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{ROOT}/target/tools/bin:{path}"));
        shell.env("SITE", format!("http://127.0.0.1:{}", self.port));
        shell.envs(self.variables.iter().cloned());
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
