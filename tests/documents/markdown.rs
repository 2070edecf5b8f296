//! The code blocks and links of the documents.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

pub fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// A program in a folder, as if typed there. Without the variables that cargo sets for this test, with which
/// the cargo in that folder would build some dependencies again.
pub fn typed(program: &str, folder: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let of_this =
            ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "RUST_BACKTRACE"];
        if of_this.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            command.env_remove(name);
        }
    }
    command.env("CARGO_TARGET_DIR", target()).current_dir(folder);
    command
}

/// The target folder of this test, where all dependencies are built.
pub fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// The texts between backticks.
pub fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every file below `folder`, from the root, in order.
pub fn files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files.sort();
    files
}

/// All documents.
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
    /// The line before it, if that names a file.
    pub label: Option<Label>,
}

/// `[name](source):` before a block of the reader's file of that name, or
/// `From [name](source):` before an excerpt of an existing file.
pub struct Label {
    pub name: String,
    /// From the root.
    pub source: String,
    pub is_excerpt: bool,
}

pub fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let mut parts = text.split("\n```");
    let mut blocks = Vec::new();
    while let (Some(prose), Some(block)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        let last = prose.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        let (language, text) = (language.to_owned(), format!("{text}\n"));
        blocks.push(Block { language, text, label: label(document, last) });
    }
    blocks
}

fn label(document: &str, line: &str) -> Option<Label> {
    let named = line.strip_prefix("From ");
    let (name, rest) = named.unwrap_or(line).strip_prefix('[')?.split_once("](")?;
    let (link, rest) = rest.split_once(')')?;
    let is_label = matches!(rest, ":" | ", continued:" | ", going on:");
    let source = resolve(document, link);
    is_label.then(|| Label { name: name.to_owned(), source, is_excerpt: named.is_some() })
}

/// The path that a link in `document` leads to, from the root.
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
