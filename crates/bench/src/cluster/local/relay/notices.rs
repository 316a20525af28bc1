//! What a published port reports: connections over its limit, and errors of its listening socket.
//! Each at once, then at most every few seconds with the count since.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::cluster::Service;
use crate::cluster::local::Event;

/// From one report to the next.
const PERIOD: Duration = Duration::from_secs(10);

/// What is still to be reported of one port.
#[derive(Debug)]
pub(super) struct Notices {
    service: Service,
    limit: usize,
    events: UnboundedSender<Event>,
    /// Connections over the limit since the last report.
    refused: u64,
    /// The last error of the listening socket since then.
    error: Option<String>,
    next: Instant,
}

impl Notices {
    pub(super) fn new(service: Service, limit: usize, events: UnboundedSender<Event>) -> Self {
        Self { service, limit, events, refused: 0, error: None, next: Instant::now() }
    }

    /// One more connection is over the limit.
    pub(super) fn refused(&mut self) {
        self.refused += 1;
    }

    /// No connection could be accepted.
    pub(super) fn cannot_accept(&mut self, error: &io::Error) {
        self.error = Some(error.to_string());
    }

    /// Completes when there is something to report and it is time to.
    pub(super) async fn due(&self) {
        match self.refused > 0 || self.error.is_some() {
            true => tokio::time::sleep_until(self.next).await,
            false => std::future::pending().await,
        }
    }

    /// Reports it.
    pub(super) fn send(&mut self) {
        self.next = Instant::now() + PERIOD;
        let service = self.service;
        let connections = std::mem::take(&mut self.refused);
        if connections > 0 {
            let limit = self.limit;
            // Ignore an end of the display: there is nothing left to report to.
            let _ = self.events.send(Event::OverLimit { service, connections, limit });
        }
        if let Some(reason) = self.error.take() {
            let _ = self.events.send(Event::CannotAccept { service, reason });
        }
    }
}
