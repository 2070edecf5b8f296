//! Files and directories that only their owner can read (on Unix).

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Creates an empty file. Does nothing if the file exists.
pub fn create(path: &Path) -> io::Result<()> {
    create_new(path).map(drop).or_else(|cause| match cause.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(cause),
    })
}

/// Creates a file. Returns an error if the file exists.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path)
}

/// Creates a directory and its parents. Does nothing if the directory exists.
pub fn create_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Describes why a file or directory can't be used.
pub fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> String {
    format!("{} can't be used: {cause}", path.display())
}
