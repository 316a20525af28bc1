//! What bench reads of the app from inside its network, as it comes in.

use std::collections::VecDeque;
use std::time::Duration;

use observation::Observation;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Counter, PathSample, Stations};
use crate::http::HttpError;
use crate::inside::Message;

/// How long nothing may come in.
const PATIENCE: Duration = Duration::from_secs(5);
/// Counters kept while nobody reads them.
const KEPT: usize = 100;
/// Probes kept of one window.
const MOST_PATHS: usize = 1_000_000;

/// Messages from inside, the newest of each kind at hand.
#[derive(Debug)]
pub struct Feed {
    messages: UnboundedReceiver<Message>,
    counters: VecDeque<Counter>,
    brief: Option<Observation>,
    whole: Option<Observation>,
    stations: Stations,
    paths: Vec<PathSample>,
    silent: Option<String>,
}

impl Feed {
    /// A feed of whatever comes through `messages`.
    #[must_use]
    pub fn new(messages: UnboundedReceiver<Message>) -> Self {
        Self {
            messages,
            counters: VecDeque::new(),
            brief: None,
            whole: None,
            stations: Stations::default(),
            paths: Vec::new(),
            silent: None,
        }
    }

    /// Forgets what came in before now.
    pub(super) fn begin(&mut self) {
        self.absorb();
        self.counters.clear();
        self.paths.clear();
    }

    pub(super) async fn counter(&mut self) -> Result<Counter, HttpError> {
        self.until(|feed| feed.counters.pop_front()).await
    }

    /// The newest reports; whole ones are waited for, so that they are of now.
    pub(super) async fn observe(&mut self, whole: bool) -> Result<Observation, HttpError> {
        if !whole {
            return self.until(|feed| feed.brief.take()).await;
        }
        self.absorb();
        self.whole = None;
        self.until(|feed| feed.whole.take()).await
    }

    pub(super) fn stations(&mut self) -> Stations {
        self.absorb();
        self.stations.clone()
    }

    pub(super) fn paths(&mut self) -> Vec<PathSample> {
        self.absorb();
        std::mem::take(&mut self.paths)
    }

    /// Takes in messages until `take` finds what it wants.
    async fn until<T>(
        &mut self,
        mut take: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T, HttpError> {
        loop {
            self.absorb();
            if let Some(found) = take(self) {
                return Ok(found);
            }
            if let Some(reason) = self.silent.take() {
                return Err(HttpError::Inside(reason));
            }
            match tokio::time::timeout(PATIENCE, self.messages.recv()).await {
                Ok(Some(message)) => self.keep(message),
                Ok(None) => return Err(HttpError::Inside("its log has ended".to_owned())),
                Err(_) => {
                    return Err(HttpError::Inside(format!("its log is silent for {PATIENCE:?}")));
                }
            }
        }
    }

    /// Takes in what has come, so that it does not pile up while nobody reads.
    pub(super) fn absorb(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            self.keep(message);
        }
    }

    fn keep(&mut self, message: Message) {
        match message {
            Message::Counter(counter) => {
                self.silent = None;
                if self.counters.len() == KEPT {
                    self.counters.pop_front();
                }
                self.counters.push_back(counter);
            }
            Message::Brief(seen) => self.brief = Some(*seen),
            Message::Whole(seen) => self.whole = Some(*seen),
            Message::Stations(stations) => self.stations = stations,
            Message::Paths(paths) if self.paths.len() < MOST_PATHS => self.paths.extend(paths),
            Message::Silent(reason) => self.silent = Some(reason),
            // More than anybody could want, or a reader that was started anew.
            Message::Paths(_) | Message::Hello { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_is_the_newest_and_silence_is_an_error() {
        let (send, messages) = tokio::sync::mpsc::unbounded_channel();
        let mut feed = Feed::new(messages);
        let counter = |hashes| Counter { now_us: hashes, hashes, coins: 0 };
        send.send(Message::Counter(counter(1))).unwrap();
        feed.begin();
        send.send(Message::Counter(counter(2))).unwrap();
        send.send(Message::Counter(counter(3))).unwrap();
        assert_eq!(feed.counter().await.unwrap(), counter(2));
        assert_eq!(feed.counter().await.unwrap(), counter(3));
        send.send(Message::Silent("503".to_owned())).unwrap();
        assert!(feed.counter().await.unwrap_err().to_string().contains("503"));
        assert!(feed.counter().await.unwrap_err().to_string().contains("silent"));
        drop(send);
        assert!(feed.counter().await.unwrap_err().to_string().contains("ended"));
    }
}
