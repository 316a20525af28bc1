//! Being told to stop: Ctrl-C, SIGTERM, or the terminal closed. The first time everything ends in
//! order; the second time at once.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bench::failure::Exit;
use ratatui::crossterm::terminal::{disable_raw_mode, is_raw_mode_enabled};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// What comes within this time of the first signal is the same wish, as of a supervisor that
/// signals the process and its group.
const SAME_WISH: Duration = Duration::from_millis(500);
/// How long a terminal may take to become what it was.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How often this process was told to stop.
#[derive(Clone)]
pub(crate) struct Interrupts {
    count: watch::Receiver<u32>,
    /// Which time ends the process, whatever it is at.
    last: Arc<AtomicU32>,
}

impl Interrupts {
    /// Listens from now on, on a thread of its own: it hears also while a terminal that takes no
    /// more holds the others.
    pub(crate) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let entered = runtime.enter();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        let signals = [interrupt?, terminate?, hangup?];
        drop(entered);
        let (told, count) = watch::channel(0);
        let last = Arc::new(AtomicU32::new(u32::MAX));
        let until = Arc::clone(&last);
        let listening = move || runtime.block_on(relay(signals, &told, &until));
        std::thread::Builder::new().name("signals".to_owned()).spawn(listening)?;
        Ok(Self { count, last })
    }

    /// The `nth` time this process is told to stop it is to end without more ado: there is nothing
    /// that must be put back.
    pub(crate) fn end_at(&self, nth: u32) {
        self.last.store(nth, Ordering::Relaxed);
    }

    /// Completes when this process has been told to stop for the `nth` time.
    pub(crate) fn nth(&self, nth: u32) -> impl Future<Output = ()> + use<> {
        let mut count = self.count.clone();
        async move {
            if count.wait_for(|count| *count >= nth).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Counts signals for as long as the process lives.
#[expect(clippy::exit, reason = "whatever else would end the process may be held up itself")]
async fn relay(signals: [Signal; 3], told: &watch::Sender<u32>, last: &AtomicU32) {
    let [mut interrupt, mut terminate, mut hangup] = signals;
    let mut first: Option<Instant> = None;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        if first.get_or_insert_with(Instant::now).elapsed() < SAME_WISH && *told.borrow() > 0 {
            continue;
        }
        told.send_modify(|count| *count += 1);
        if *told.borrow() >= last.load(Ordering::Relaxed) {
            restore_terminal().await;
            exit(Exit::Interrupted as i32);
        }
    }
}

/// Makes the terminal what it was, as far as it lets itself: one that takes no more is not waited
/// for.
async fn restore_terminal() {
    // Only a terminal that was drawn on is another than before.
    if !is_raw_mode_enabled().unwrap_or(false) {
        return;
    }
    // Nothing more can be done for one that refuses.
    let _ = disable_raw_mode();
    // Without a thread the terminal stays as it is.
    let _ = std::thread::Builder::new().spawn(|| {
        // Back to the main screen, with a cursor.
        let words = b"\x1b[?1049l\x1b[?25h";
        let _ = match io::stdout().is_terminal() {
            true => io::stdout().write_all(words).and_then(|()| io::stdout().flush()),
            false => io::stderr().write_all(words),
        };
    });
    tokio::time::sleep(LAST_WORDS).await;
}
