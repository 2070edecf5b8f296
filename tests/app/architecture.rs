//! What each room of the app may use.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, the rooms of the app that each may use, and the crates that none but these may use.
const ROOMS: [(&str, &[&str]); 10] = [
    ("lib.rs", &["accounts", "demo", "log", "routes", "settings", "web"]),
    ("main.rs", &["cli", "settings"]),
    ("settings.rs", &[]),
    ("schema.rs", &[]),
    ("log.rs", &[]),
    ("db.rs", &[]),
    ("cli.rs", &["accounts", "settings"]),
    ("accounts", &["accounts", "db", "schema", "settings"]),
    ("web", &["accounts", "web"]),
    ("routes", &["accounts", "routes", "web"]),
];

/// Crates and modules, and the rooms that may use them.
const RESERVED: [(&str, &[&str]); 10] = [
    ("diesel", &["db.rs", "schema.rs", "accounts"]),
    ("diesel_migrations", &["db.rs"]),
    ("argon2", &["accounts"]),
    ("clap", &["main.rs", "cli.rs"]),
    ("rocket_dyn_templates", &["web"]),
    ("tera", &["web"]),
    ("rocket::http", &["web", "routes"]),
    ("rocket::request", &["web"]),
    ("rocket::response", &["web", "routes"]),
    ("rocket::Request", &["web"]),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of each source file in a room, without comments and unit tests, by its path in `src`.
fn sources(room: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut paths = vec![src().join(room)];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = lines.map(|line| line.to_owned() + "\n").collect();
            files.push((path.strip_prefix(src()).unwrap().display().to_string(), code));
        }
    }
    assert!(!files.is_empty(), "{room} is empty");
    files
}

/// The paths that code names with `use` or otherwise, with `{…}` written out: `a::{b, c}` is `a::b`
/// and `a::c`.
fn paths(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut prefixes = vec![String::new()];
    let mut path = String::new();
    let mut characters = code.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' if path.ends_with("::") => {
                prefixes.push(path.clone());
                continue;
            }
            '}' if prefixes.len() > 1 => {
                paths.insert(std::mem::take(&mut path));
                prefixes.pop();
            }
            ',' if prefixes.len() > 1 => {
                paths.insert(std::mem::take(&mut path));
                path = prefixes[prefixes.len() - 1].clone();
                while characters.next_if(|next| next.is_whitespace()).is_some() {}
                continue;
            }
            character if character.is_alphanumeric() || "_:".contains(character) => {
                path.push(character);
                continue;
            }
            character if prefixes.len() > 1 && character.is_whitespace() => continue,
            _ => {
                paths.insert(std::mem::take(&mut path));
            }
        }
        path.clear();
    }
    paths.insert(path);
    paths.retain(|path| path.contains("::"));
    paths
}

#[test]
fn reads_nested_imports() {
    let code = "use a::{\n    b::{c, d},\n    e,\n};\nfn f() { crate::g::h(i::J) }";
    let expected = ["a::b::c", "a::b::d", "a::e", "crate::g::h", "i::J"].map(str::to_owned);
    assert!(paths(code).is_superset(&expected.into()), "{:?}", paths(code));
}

/// The room of the app that a path leads to: `super` out of a folder counts as `crate`.
fn room_of(path: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if module.last() == Some(&"mod") {
        module.pop();
    }
    match parts[0] {
        "crate" => {}
        "super" | "self" => {
            while parts.first() == Some(&"super") {
                module.pop();
                parts.remove(0);
            }
            if !module.is_empty() {
                return None;
            }
            parts.insert(0, "crate");
        }
        "app" => {}
        first if file == "lib.rs" && is_room(first) => parts.insert(0, "crate"),
        _ => return None,
    }
    parts.get(1).map(|room| (*room).to_owned())
}

fn is_room(name: &str) -> bool {
    let names = fs::read_dir(src()).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|file| file.into_string().unwrap()).any(|file| file.trim_end_matches(".rs") == name)
}

#[test]
fn each_room_uses_only_the_rooms_that_it_may() {
    let known: Vec<_> = ROOMS.iter().map(|(room, _)| *room).chain(["demo"]).collect();
    for entry in fs::read_dir(src()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "src/{name} is not in the list of rooms");
    }
    for (room, may_use) in ROOMS {
        for (file, code) in sources(room) {
            for path in paths(&code) {
                if let Some(other) = room_of(&path, &file) {
                    let is_item = other.starts_with(char::is_uppercase) || other == "build";
                    assert!(is_item || may_use.contains(&other.as_str()), "{file} uses {path}");
                }
            }
        }
    }
}

#[test]
fn crates_stay_in_the_rooms_that_need_them() {
    for (room, _) in ROOMS {
        for (file, code) in sources(room) {
            for path in paths(&code) {
                for (reserved, rooms) in RESERVED {
                    let uses = path == reserved || path.starts_with(&format!("{reserved}::"));
                    assert!(!uses || rooms.contains(&room), "{file} uses {path}");
                }
            }
        }
    }
}

#[test]
fn no_route_panics_or_opens_the_cookie_jar() {
    for (file, code) in sources("routes") {
        for forbidden in [".unwrap()", ".expect(", "panic!", "CookieJar", "cookies()"] {
            assert!(!code.contains(forbidden), "{file} has {forbidden}");
        }
    }
}

#[test]
fn only_authenticate_verifies_passwords() {
    for (file, code) in sources("") {
        let verifies = code.contains(".verify(") || code.contains("verify_password(");
        let may = file == "accounts/authenticate.rs" || file == "accounts/passwords.rs";
        assert!(!verifies || may, "{file} verifies a password");
    }
}

#[test]
fn only_lib_rs_uses_the_demo() {
    for (file, code) in sources("") {
        let mentions = code.matches("demo::").count() - code.matches("demo::handler_info").count();
        let may = if file == "lib.rs" { 1 } else { 0 };
        assert!(mentions <= may, "{file} uses the demo");
    }
}

#[test]
fn no_file_is_longer_than_200_lines() {
    for (file, _) in sources("") {
        let lines = fs::read_to_string(src().join(&file)).unwrap().lines().count();
        assert!(lines <= 200, "{file} has {lines} lines");
    }
}
