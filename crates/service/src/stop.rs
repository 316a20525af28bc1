//! When to stop: a signal, a parent that is gone, or whoever holds the trigger. Stopping itself
//! is the business of whoever waits.

use std::io;
use std::os::fd::AsFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Why a service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// SIGTERM, SIGINT or the trigger: finish what is under way first.
    Asked,
    /// The process that started this one is gone, and with it what the service works for.
    ParentGone,
}

/// A condition every part of a service can wait for; clones see the same stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<Reason>>);

/// Fires a [`Stop`]; dropping it without firing never stops anything.
#[derive(Debug)]
pub struct Trigger(watch::Sender<Option<Reason>>);

impl Trigger {
    /// Fires the stop; later calls change nothing.
    pub fn stop(&self, reason: Reason) {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(reason);
            first
        });
    }
}

impl Stop {
    /// A stop under the caller's own control.
    #[must_use]
    pub fn manual() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(None);
        (Trigger(sender), Self(receiver))
    }

    /// A stop that SIGTERM and SIGINT fire and, with `lifeline`, the end of standard input: the
    /// parent holds the other end of that pipe, so it closes however the parent ends.
    ///
    /// # Errors
    /// When the signals cannot be caught, or standard input is no pipe although `lifeline` is set.
    pub fn on_signals(lifeline: bool) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut parent = lifeline.then(open_lifeline).transpose()?;
        let (trigger, stop) = Self::manual();
        tokio::spawn(async move {
            let reason = tokio::select! {
                _ = terminate.recv() => Reason::Asked,
                _ = interrupt.recv() => Reason::Asked,
                () = end_of(&mut parent) => Reason::ParentGone,
            };
            trigger.stop(reason);
        });
        Ok(stop)
    }

    /// Waits until the stop fires and says why.
    pub async fn wait(&mut self) -> Reason {
        // The guard must not live on: a future that holds it could not be spawned.
        let fired = self.0.wait_for(Option::is_some).await.map(|fired| *fired);
        match fired {
            Ok(reason) => reason.unwrap_or(Reason::Asked),
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether it has fired.
    #[must_use]
    pub fn fired(&self) -> bool {
        self.0.borrow().is_some()
    }
}

fn open_lifeline() -> io::Result<pipe::Receiver> {
    pipe::Receiver::from_owned_fd(io::stdin().as_fd().try_clone_to_owned()?)
}

async fn end_of(parent: &mut Option<pipe::Receiver>) {
    let Some(pipe) = parent else {
        return std::future::pending().await;
    };
    let mut ignored = [0_u8; 64];
    while matches!(pipe.read(&mut ignored).await, Ok(1..)) {}
}
