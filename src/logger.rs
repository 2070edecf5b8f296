//! A logger for Rocket that omits query strings, which can contain secrets such as tokens.

use std::io::stdout;

use log::{Level, LevelFilter, Log, Metadata, Record};
use rocket::config::LogLevel;

use crate::log_writer::LogWriter;

/// Installs this logger instead of Rocket's own.
pub fn init(level: LogLevel) {
    let writer =
        LogWriter::new(stdout(), |count| format!("Warning: {count} log lines were dropped."));
    let _ = log::set_boxed_logger(Box::new(Logger { writer }));
    log::set_max_level(LevelFilter::from(level));
}

/// Writes log lines in the same format as Rocket's own logger.
struct Logger {
    writer: LogWriter,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let prefix = match record.level() {
            // For an indented line, Rocket adds this suffix to the target.
            _ if record.target().ends_with('_') => "   >> ",
            Level::Error => "Error: ",
            Level::Warn if !record.target().contains("launch") => "Warning: ",
            _ => "",
        };
        let text = without_query_strings(&record.args().to_string());
        self.writer.write(format!("{prefix}{text}"));
    }

    fn flush(&self) {
        self.writer.flush();
    }
}

/// Replaces each query string by `?…` and each control character by a space.
fn without_query_strings(line: &str) -> String {
    let mut parts = line.split('?');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_whitespace() || c == '\u{1b}');
        let rest = &part[end.unwrap_or(part.len())..];
        out.push_str(if rest.len() < part.len() { "?…" } else { "?" });
        out.push_str(rest);
    }
    // Keeps the escape character, with which Rocket colors the lines in a terminal.
    out.replace(|c: char| c.is_control() && c != '\u{1b}' && c != '\n', " ")
}
