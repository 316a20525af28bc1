//! Writes to the terminal from a thread of its own: one that stops reading (a pager, a paused
//! terminal) must not stop the app, whose relays and Redis live in the main thread.

use std::io::{self, Write};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel,
};
use std::time::Duration;

/// Pieces of text that may wait to be written.
const WAITING: usize = 10_000;
/// How long the end waits for what is still to be written.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Writes text in order, and leaves out what nobody reads in time.
pub(crate) struct Printer {
    texts: SyncSender<String>,
    done: Receiver<io::Error>,
    skipped: usize,
}

impl Printer {
    pub(crate) fn new(mut out: impl Write + Send + 'static) -> Self {
        let (texts, to_write) = sync_channel::<String>(WAITING);
        let (ended, done) = channel();
        // Without a thread nothing is written: the results do not depend on it.
        let _ = std::thread::Builder::new().name("printer".to_owned()).spawn(move || {
            // Dropped at the end, which is how the end is noticed.
            let ended = ended;
            for text in to_write {
                if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                    let _ = ended.send(error);
                    return;
                }
            }
        });
        Self { texts, done, skipped: 0 }
    }

    /// Writes `text` as soon as it is its turn.
    pub(crate) fn write(&mut self, text: String) {
        if self.skipped > 0 {
            let note = format!("({} lines were not read in time and are left out)\n", self.skipped);
            if self.texts.try_send(note).is_ok() {
                self.skipped = 0;
            }
        }
        if let Err(TrySendError::Full(_)) = self.texts.try_send(text) {
            self.skipped += 1;
        }
    }

    /// Waits a moment for what is still to be written.
    ///
    /// # Errors
    /// When something could not be written, other than that its reader is gone.
    pub(crate) fn close(self) -> io::Result<()> {
        drop(self.texts);
        match self.done.recv_timeout(LAST_WAIT) {
            Ok(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            // A terminal that is not read by now has shown enough.
            Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }
}
