//! A writer for logs that never blocks a request.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// The maximum number of lines that wait to be written.
const CAPACITY: usize = 1024;

/// Writes lines in a thread of its own. If a full pipe or a slow disk blocks the thread, lines are dropped
/// and counted. Dropping the value writes the remaining lines, for at most 1 second.
pub struct LogWriter {
    queue: NonBlocking,
    thread: Mutex<Option<WorkerGuard>>,
    reported: AtomicUsize,
    describe_dropped: Box<dyn Fn(usize) -> String + Send + Sync>,
}

impl LogWriter {
    /// Starts the thread, which writes to `out`. `describe_dropped` returns the line that replaces a
    /// number of dropped lines.
    pub fn new(
        out: impl Write + Send + 'static,
        describe_dropped: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> LogWriter {
        let (queue, thread) =
            NonBlockingBuilder::default().buffered_lines_limit(CAPACITY).finish(out);
        LogWriter {
            queue,
            thread: Mutex::new(Some(thread)),
            reported: AtomicUsize::new(0),
            describe_dropped: Box::new(describe_dropped),
        }
    }

    /// Writes a line soon, or drops the line if too many are waiting.
    pub fn write(&self, line: &str) {
        let dropped = self.queue.error_counter().dropped_lines();
        let new = dropped - self.reported.swap(dropped, Ordering::Relaxed).min(dropped);
        let text = match new {
            0 => format!("{line}\n"),
            count => format!("{}\n{line}\n", (self.describe_dropped)(count)),
        };
        let _ = self.queue.clone().write_all(text.as_bytes());
    }

    /// Writes the remaining lines, for at most 1 second. Later lines are lost.
    pub fn close(&self) {
        drop(self.thread.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
