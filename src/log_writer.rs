//! A log writer that never blocks a request.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// The maximum number of lines that wait to be written.
const CAPACITY: usize = 1024;

/// Writes lines in its own thread. If a full pipe or a slow disk blocks it until the queue is full, lines are
/// dropped and counted. `drop` calls `flush`.
pub struct LogWriter {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(String),
    /// Sends `()` once all earlier lines are written.
    Flush(SyncSender<()>),
}

impl LogWriter {
    /// Starts the thread, which writes to `out`. `describe_dropped` returns a line that reports a number
    /// of dropped lines. Write errors are ignored.
    pub fn new(
        mut out: impl Write + Send + 'static,
        describe_dropped: impl Fn(u64) -> String + Send + 'static,
    ) -> LogWriter {
        let (queue, messages) = sync_channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = dropped.clone();
        spawn(move || {
            for message in messages {
                let count = counter.swap(0, Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(out, "{}", describe_dropped(count));
                }
                let _ = match message {
                    Message::Line(line) => writeln!(out, "{line}").ok(),
                    Message::Flush(done) => done.send(()).ok(),
                };
            }
        });
        LogWriter { queue, dropped }
    }

    /// Queues a line, or drops it if the queue is full.
    pub fn write(&self, line: String) {
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all lines are written, for at most 2 seconds.
    pub fn flush(&self) {
        for _ in 0..100 {
            let (done, is_done) = sync_channel(1);
            match self.queue.try_send(Message::Flush(done)) {
                Err(TrySendError::Full(_)) => sleep(Duration::from_millis(10)),
                Err(TrySendError::Disconnected(_)) => return,
                Ok(()) => return is_done.recv_timeout(Duration::from_secs(1)).unwrap_or_default(),
            }
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
#[test]
fn counts_the_lines_that_are_dropped_while_the_output_is_blocked() {
    use std::sync::Mutex;

    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let output = Arc::new(Mutex::new(Vec::new()));
    let writer = LogWriter::new(Output(output.clone()), |count| format!("dropped {count}"));
    let blocked = output.lock().unwrap();
    (0..3000).for_each(|number| writer.write(format!("line {number}")));
    drop(blocked);
    drop(writer);
    let text = String::from_utf8(output.lock().unwrap().clone()).unwrap();
    let written = text.matches("line").count();
    assert!((CAPACITY..CAPACITY + 2).contains(&written), "{written}");
    let dropped = text.lines().filter_map(|line| line.strip_prefix("dropped "));
    let dropped: usize = dropped.map(|count| count.parse::<usize>().unwrap()).sum();
    assert_eq!(written + dropped, 3000);
}
