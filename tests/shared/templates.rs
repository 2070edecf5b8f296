//! A copy of the templates that a test can change.

use std::fs;
use std::path::Path;

/// Copies templates to an existing directory. `is_included` selects the templates by their paths in
/// `templates/`.
pub fn copy_templates(destination: &Path, is_included: impl Fn(&str) -> bool) {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut dirs = vec![templates.clone()];
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&templates).unwrap();
            if path.is_dir() {
                fs::create_dir(destination.join(name)).unwrap();
                dirs.push(path);
            } else if is_included(name.to_str().unwrap()) {
                fs::copy(&path, destination.join(name)).unwrap();
            }
        }
    }
}
