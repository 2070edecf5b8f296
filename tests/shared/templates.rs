//! A copy of the templates, for a test to change.

use std::fs;
use std::path::Path;

/// Copies those templates that `keep` accepts, by their path in `templates/`, to an existing folder.
pub fn copy_templates(to: &Path, keep: impl Fn(&str) -> bool) {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut folders = vec![templates.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&templates).unwrap();
            if path.is_dir() {
                fs::create_dir(to.join(name)).unwrap();
                folders.push(path);
            } else if keep(name.to_str().unwrap()) {
                fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
}
