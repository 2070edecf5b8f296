//! A writer for logs that never blocks a request.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// The maximum number of lines that wait to be written.
const CAPACITY: usize = 1024;

/// The maximum time to wait for the last lines at exit, in milliseconds.
const FLUSH_TIMEOUT: u64 = 1000;

/// Writes lines in a thread of its own. If a full pipe or a slow disk blocks the thread, lines are dropped
/// and counted. Dropping the value writes the remaining lines.
pub struct LogWriter {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(String),
    /// Sends `()` when all earlier lines are written.
    Flush(SyncSender<()>),
}

impl LogWriter {
    /// Starts a thread that writes to `out`. `describe_dropped` returns the line that replaces a number
    /// of dropped lines. Write errors are ignored.
    pub fn new(
        mut out: impl Write + Send + 'static,
        describe_dropped: impl Fn(u64) -> String + Send + 'static,
    ) -> LogWriter {
        let (queue, messages): (_, Receiver<Message>) = sync_channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = dropped.clone();
        spawn(move || {
            for message in messages {
                match message {
                    Message::Line(line) => drop(writeln!(out, "{line}")),
                    Message::Flush(done) => drop(done.send(())),
                }
                match counter.swap(0, Ordering::Relaxed) {
                    0 => {}
                    count => drop(writeln!(out, "{}", describe_dropped(count))),
                }
            }
        });
        LogWriter { queue, dropped }
    }

    /// Writes a line soon, or drops the line if too many are waiting.
    pub fn write(&self, line: String) {
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines are written, for at most 1 second.
    pub fn flush(&self) {
        let (done, is_done) = sync_channel(1);
        for _ in 0..FLUSH_TIMEOUT / 10 {
            match self.queue.try_send(Message::Flush(done.clone())) {
                Err(TrySendError::Full(_)) => sleep(Duration::from_millis(10)),
                _ => {
                    let _ = is_done.recv_timeout(Duration::from_millis(FLUSH_TIMEOUT));
                    return;
                }
            }
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.flush();
    }
}
