//! The code blocks and links in the documents.

// Each test that includes this file uses only a part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::edit::Place;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

pub fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// Returns a command that runs a program in a directory. Removes the variables that cargo sets for
/// this test, because otherwise a nested cargo would rebuild some dependencies.
pub fn command_in(program: &str, dir: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let prefixes =
            ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "RUST_BACKTRACE"];
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.env("CARGO_TARGET_DIR", target_dir()).current_dir(dir);
    command
}

/// Returns the target directory of this test, which contains all dependencies.
pub fn target_dir() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// Returns each text between backticks.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns the files below a directory, sorted by path. The paths are relative to the repository.
pub fn files(dir: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut dirs = vec![Path::new(ROOT).join(dir)];
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => dirs.push(path),
                false => files.push(path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files.sort();
    files
}

/// Returns the paths of all documents.
pub fn documents() -> Vec<String> {
    let mut documents = files("docs");
    documents.retain(|file| file.ends_with(".md"));
    documents.push("README.md".into());
    documents
}

/// A code block.
pub struct Block {
    pub language: String,
    pub text: String,
    /// The label in the line before the block, if that line names a file.
    pub label: Option<Label>,
    /// The deletions that the prose before the block asks for.
    pub deletions: Vec<Label>,
}

/// The label of a code block, which says what the reader does with the block: `[name](source):` to write a
/// file, `[name](source), below `text`:` to change it, or `From [name](source):` for an excerpt of an
/// existing file. A name in backticks instead of a link is a file that the repository does not contain.
pub struct Label {
    pub name: String,
    /// The path relative to the repository.
    pub source: Option<String>,
    pub is_excerpt: bool,
    pub place: Place,
}

/// Returns the code blocks of a document.
pub fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let mut parts = text.split("\n```");
    let mut blocks = Vec::new();
    while let (Some(prose), Some(block)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        let last_line = prose.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        let (language, text) = (language.to_owned(), format!("{text}\n"));
        let deletions = prose.lines().filter_map(|line| deletion(document, line)).collect();
        blocks.push(Block { language, text, label: label(document, last_line), deletions });
    }
    blocks
}

fn label(document: &str, line: &str) -> Option<Label> {
    let excerpt = line.strip_prefix("From ");
    let (name, source, rest) = file(document, excerpt.unwrap_or(line))?;
    let place = Place::parse(rest.strip_suffix(':')?)?;
    Some(Label { name, source, is_excerpt: excerpt.is_some(), place })
}

/// Parses a line such as `Delete the function `load` from [name](source).`
fn deletion(document: &str, line: &str) -> Option<Label> {
    let (what, rest) = line.strip_prefix("Delete ")?.rsplit_once(" from ")?;
    let (name, source, rest) = file(document, rest)?;
    assert!(rest.starts_with('.'), "{document}: {line}");
    let place = Place::parse(&format!(", instead of {what}"))?;
    Some(Label { name, source, is_excerpt: false, place })
}

/// Parses a file at the beginning of a line, and returns its name, its source and the rest of the line.
fn file<'a>(document: &str, line: &'a str) -> Option<(String, Option<String>, &'a str)> {
    if let Some(rest) = line.strip_prefix('`') {
        let (name, rest) = rest.split_once('`')?;
        let is_file = name.contains('.') && !name.contains(' ');
        return is_file.then(|| (name.to_owned(), None, rest));
    }
    let (name, rest) = line.strip_prefix('[')?.split_once("](")?;
    let (link, rest) = rest.split_once(')')?;
    let is_label = rest == ":" || rest.starts_with(", ") || rest.starts_with('.');
    (is_label && !link.contains("://"))
        .then(|| (name.to_owned(), Some(resolve(document, link)), rest))
}

/// Returns the path to which a link in `document` leads, relative to the repository.
pub fn resolve(document: &str, link: &str) -> String {
    let mut path = PathBuf::from(document);
    path.pop();
    for part in link.split('/') {
        match part {
            ".." => assert!(path.pop(), "{document}: {link} leads out of the repository"),
            part => path.push(part),
        }
    }
    path.to_str().unwrap().to_owned()
}
