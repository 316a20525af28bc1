//! A bounded queue of log lines, written by a thread of its own, so that a slow or blocked reader never
//! delays the code that logs. Lines that do not fit are dropped and counted, and the count is logged
//! as soon as there is room. It formats nothing.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most bytes that wait to be written: about 10,000 lines, less than a second of the fastest rng.
const MOST_BYTES: usize = 1 << 20;
/// How long a line may wait for others to be written with it: to wake the thread for each line would
/// cost more than all the rest.
const GATHER: Duration = Duration::from_millis(20);
/// Bytes that are written without waiting for more. A buffer that has grown beyond this is given back
/// to the system afterwards.
const ENOUGH_BYTES: usize = 64 << 10;

/// A queue of lines; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// The first line came, or enough of them; the end is waited for; everything was written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<u8>,
    /// Lines that found no room since the last notice.
    dropped: u64,
    /// The thread has taken bytes that it has not written yet.
    writing: bool,
    /// Nothing is to be gathered any more.
    finishing: bool,
}

impl Lines {
    /// Starts the thread that writes to `out` from now on. What `out` refuses is lost.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn write_to(&self, out: impl Write + Send + 'static) -> io::Result<()> {
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("log".to_owned());
        thread.spawn(move || shared.write_all_to(out)).map(drop)
    }

    /// Queues one line, its newline included, or drops it where there is no room for all of it.
    pub fn push(&self, line: &[u8]) {
        let mut queue = self.0.lock();
        if queue.waiting.len() + line.len() > MOST_BYTES {
            queue.dropped += 1;
            return;
        }
        let before = queue.waiting.len();
        queue.waiting.extend_from_slice(line);
        let after = queue.waiting.len();
        drop(queue);
        if before == 0 || (before < ENOUGH_BYTES && after >= ENOUGH_BYTES) {
            self.0.changed.notify_all();
        }
    }

    /// Waits until everything is written, for `timeout` at most.
    pub fn finish(&self, timeout: Duration) {
        let mut queue = self.0.lock();
        queue.finishing = true;
        self.0.changed.notify_all();
        let is_busy = |queue: &mut Queue| queue.writing || !queue.is_empty();
        drop(self.0.changed.wait_timeout_while(queue, timeout, is_busy));
    }
}

impl Shared {
    /// Nothing under this lock can panic half way, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_to(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        loop {
            let dropped = self.take(&mut taken);
            if dropped > 0 {
                // As any other line, in the format that was chosen. The queue was just emptied.
                tracing::warn!("{dropped} log lines dropped: standard error is read too slowly");
            }
            // If standard error takes nothing, there is no other place to report that.
            let _ = out.write_all(&taken).and_then(|()| out.flush());
        }
    }

    /// Waits for lines and moves them into `taken`; returns how many were dropped before.
    fn take(&self, taken: &mut Vec<u8>) -> u64 {
        taken.clear();
        taken.shrink_to(ENOUGH_BYTES);
        let mut queue = self.lock();
        queue.writing = false;
        self.changed.notify_all();
        while queue.is_empty() {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let may_gather = |queue: &mut Queue| !queue.finishing && queue.waiting.len() < ENOUGH_BYTES;
        let gathered = self.changed.wait_timeout_while(queue, GATHER, may_gather);
        queue = gathered.unwrap_or_else(PoisonError::into_inner).0;
        queue.writing = true;
        std::mem::swap(&mut queue.waiting, taken);
        std::mem::take(&mut queue.dropped)
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.dropped == 0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Longer than any of this takes.
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let lines = Lines::default();
        lines.push(b"before the start\n");
        lines.write_to(writer).unwrap();
        for number in 0..1000 {
            lines.push(format!("{number}\n").as_bytes());
        }
        lines.finish(LONG);
        let mut read = vec![0; 17 + 10 * 2 + 90 * 3 + 900 * 4];
        io::Read::read_exact(&mut reader, &mut read).unwrap();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(read).unwrap(), format!("before the start\n{expected}"));
    }

    #[test]
    fn lines_that_are_not_read_are_dropped_and_counted_without_waiting() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let lines = Lines::default();
        lines.write_to(writer).unwrap();
        let line = [b'x'; 1024];
        // The socket's own buffer, what the thread has taken, and the queue: all of them end.
        for _ in 0..10_000 {
            lines.push(&line);
        }
        let queue = lines.0.lock();
        assert!(queue.waiting.len() <= MOST_BYTES && queue.dropped > 5_000, "{}", queue.dropped);
        drop(queue);
        lines.finish(Duration::from_millis(20));
        assert!(lines.0.lock().writing, "it has not been read");
        // The reader is gone: what is left is refused, and the thread goes on.
        drop(reader);
        lines.finish(LONG);
        assert!(lines.0.lock().is_empty());
    }

    #[test]
    fn a_line_that_can_never_fit_is_dropped_alone() {
        let lines = Lines::default();
        lines.push(&vec![b'x'; MOST_BYTES + 1]);
        lines.push(b"short\n");
        let queue = lines.0.lock();
        assert_eq!((queue.dropped, &*queue.waiting), (1, &b"short\n"[..]));
    }
}
