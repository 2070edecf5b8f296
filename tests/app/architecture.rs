//! The dependencies that each module of the app is allowed to have.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the app, each with the modules that it is allowed to use.
const MODULES: &[(&str, &[&str])] = &[
    ("lib.rs", &["accounts", "demo", "logger", "routes", "settings", "web"]),
    ("main.rs", &["cli", "settings"]),
    ("settings.rs", &["private_files", "secret_key"]),
    ("secret_key.rs", &["private_files"]),
    ("private_files.rs", &[]),
    ("migrations.rs", &["private_files"]),
    ("schema.rs", &[]),
    ("log_writer.rs", &[]),
    ("logger.rs", &["log_writer"]),
    ("db", &["db", "migrations", "settings", "trace"]),
    ("cli.rs", &["accounts", "health", "secret_key", "seed", "settings"]),
    ("health.rs", &[]),
    ("seed.rs", &["accounts"]),
    ("accounts", &["accounts", "db", "schema", "settings", "trace"]),
    ("web", &["accounts", "log_writer", "web", "trace"]),
    ("routes", &["accounts", "routes", "web"]),
    ("trace.rs", &[]),
    ("demo", &["accounts", "demo", "schema", "trace", "web"]),
];

/// Crates and parts of crates, each with the only modules that may use it.
const RESERVED: &[(&str, &[&str])] = &[
    ("diesel", &["db", "migrations.rs", "schema.rs", "accounts", "trace.rs", "demo"]),
    ("diesel_migrations", &["migrations.rs"]),
    ("argon2", &["accounts"]),
    ("clap", &["main.rs", "cli.rs"]),
    ("rocket_dyn_templates", &["web"]),
    ("tera", &["web"]),
    ("rocket::http", &["web", "routes", "demo"]),
    ("rocket::request", &["web", "demo"]),
    ("rocket::response", &["web", "routes", "demo"]),
    ("rocket::Request", &["web", "trace.rs", "demo"]),
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the path in `src` and the code of each source file in `module`. The code has no comment
/// lines and no unit tests.
pub fn sources(module: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut paths = vec![src().join(module)];
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
    assert!(!files.is_empty(), "{module} is empty");
    files
}

/// Returns the paths in `code`, both in `use` declarations and elsewhere. Expands `a::{b, c}` to
/// `a::b` and `a::c`.
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
fn expands_nested_imports() {
    let code = "use a::{\n    b::{c, d},\n    e,\n};\nfn f() { crate::g::h(i::J) }";
    let expected = ["a::b::c", "a::b::d", "a::e", "crate::g::h", "i::J"].map(str::to_owned);
    assert!(paths(code).is_superset(&expected.into()), "{:?}", paths(code));
}

/// Returns the module of the app that `path` refers to in `file`. Returns `None` if `path` refers to
/// another crate, or is a `self` or `super` path that stays in the same module.
fn module_of(path: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split("::").collect();
    let mut ancestors: Vec<&str> = file.trim_end_matches(".rs").split('/').collect();
    if ancestors.last() == Some(&"mod") {
        ancestors.pop();
    }
    match parts[0] {
        "crate" => {}
        "super" | "self" => {
            while parts.first() == Some(&"super") {
                ancestors.pop();
                parts.remove(0);
            }
            if !ancestors.is_empty() {
                return None;
            }
            parts.insert(0, "crate");
        }
        "app" => {}
        first if file == "lib.rs" && is_module(first) => parts.insert(0, "crate"),
        _ => return None,
    }
    parts.get(1).map(|module| (*module).to_owned())
}

fn is_module(name: &str) -> bool {
    let names = fs::read_dir(src()).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|file| file.into_string().unwrap()).any(|file| file.trim_end_matches(".rs") == name)
}

#[test]
fn each_module_uses_only_its_allowed_modules() {
    let known: Vec<_> = MODULES.iter().map(|(module, _)| *module).collect();
    for entry in fs::read_dir(src()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "src/{name} is not in MODULES in {}", file!());
    }
    for (module, allowed) in MODULES {
        for (file, code) in sources(module) {
            for path in paths(&code) {
                if let Some(used) = module_of(&path, &file) {
                    let is_item = used.starts_with(char::is_uppercase) || used == "build";
                    let is_allowed = is_item || allowed.contains(&used.as_str());
                    assert!(
                        is_allowed,
                        "{file} uses {path}. MODULES in {} does not allow it",
                        file!()
                    );
                }
            }
        }
    }
}

#[test]
fn only_allowed_modules_use_reserved_crates() {
    for (module, _) in MODULES {
        for (file, code) in sources(module) {
            for path in paths(&code) {
                for (reserved, allowed) in RESERVED {
                    let uses = path == *reserved || path.starts_with(&format!("{reserved}::"));
                    let is_allowed = !uses || allowed.contains(module);
                    assert!(
                        is_allowed,
                        "{file} uses {path}. RESERVED in {} does not allow it",
                        file!()
                    );
                }
            }
        }
    }
}

#[test]
fn routes_contain_no_panicking_calls_and_no_cookie_jar() {
    for (file, code) in sources("routes") {
        for forbidden in [".unwrap()", ".expect(", "panic!", "CookieJar", "cookies()"] {
            assert!(!code.contains(forbidden), "{file} contains {forbidden}");
        }
    }
}

#[test]
fn only_two_modules_verify_passwords() {
    for (file, code) in sources("") {
        let verifies = code.contains(".verify(") || code.contains("verify_password(");
        let is_allowed = file == "accounts/authenticate.rs" || file == "accounts/passwords.rs";
        assert!(!verifies || is_allowed, "{file} verifies a password");
    }
}

#[test]
fn no_source_file_is_longer_than_200_lines() {
    for (file, _) in sources("") {
        let lines = fs::read_to_string(src().join(&file)).unwrap().lines().count();
        assert!(lines <= 200, "{file} has {lines} lines");
    }
}
