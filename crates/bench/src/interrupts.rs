//! Being told to stop: Ctrl-C, SIGTERM, or the terminal closed. The first time everything ends in
//! order; the second time at once.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bench::failure::Exit;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How often this process was told to stop.
#[derive(Clone)]
pub(crate) struct Interrupts {
    count: watch::Receiver<u32>,
    /// Whether the second time ends the process, whatever it is at.
    is_blunt: Arc<AtomicBool>,
}

impl Interrupts {
    /// Listens from now on, on a thread of its own: it hears also while a terminal that takes no
    /// more holds the others.
    pub(crate) fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        let signals = [interrupt?, terminate?, hangup?];
        drop(entered);
        let (told, count) = watch::channel(0);
        let is_blunt = Arc::new(AtomicBool::new(false));
        let blunt = Arc::clone(&is_blunt);
        let listening = move || runtime.block_on(relay(signals, &told, &blunt));
        std::thread::Builder::new().name("signals".to_owned()).spawn(listening)?;
        Ok(Self { count, is_blunt })
    }

    /// The second time this process is told to stop it is to end without more ado: there is nothing
    /// that must be put back.
    pub(crate) fn end_at_second(&self) {
        self.is_blunt.store(true, Ordering::Relaxed);
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
async fn relay(signals: [Signal; 3], told: &watch::Sender<u32>, blunt: &AtomicBool) {
    let [mut interrupt, mut terminate, mut hangup] = signals;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        told.send_modify(|count| *count += 1);
        if *told.borrow() >= 2 && blunt.load(Ordering::Relaxed) {
            exit(Exit::Interrupted as i32);
        }
    }
}
