//! Being told to stop: Ctrl-C, SIGTERM, or the terminal closed. The first time everything ends in
//! order; the second time at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often this process was told to stop.
#[derive(Clone)]
pub(crate) struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let (count, interrupts) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                count.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(interrupts))
    }

    /// Completes when this process has been told to stop for the `nth` time.
    pub(crate) fn nth(&self, nth: u32) -> impl Future<Output = ()> + use<> {
        let mut interrupts = self.0.clone();
        async move {
            if interrupts.wait_for(|count| *count >= nth).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
