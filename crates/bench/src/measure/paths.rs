//! How long the way to a replica takes: a new connection, and an answer that waits in no queue.
//! It tells networks and nodes apart, not services.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::cluster::Service;
use crate::http::Client;

/// After this a probe counts as failed.
const TIMEOUT: Duration = Duration::from_secs(2);
/// So many replicas are probed at most in one round.
const MOST: usize = 128;

/// A way to probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where from: a node, or `bench` for this process.
    pub from: String,
    /// Which service.
    pub service: Service,
    /// At which address.
    pub address: SocketAddr,
    /// The node that is entered there, where that is known.
    pub to: Option<String>,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSample {
    /// Where from: a node, or `bench` for this process.
    pub from: String,
    /// Which service answered.
    pub service: Service,
    /// The replica that answered, if it says.
    pub replica: Option<String>,
    /// The node that was entered, where that is known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Time to connect, in microseconds; `None` when that failed.
    pub connect_us: Option<u64>,
    /// Time from connecting to the last byte of `GET /health`, likewise.
    pub answer_us: Option<u64>,
}

/// Probes every way once, one after the other, so that probes do not wait for each other.
pub async fn probe(routes: &[Route]) -> Vec<PathSample> {
    let mut samples = Vec::new();
    for route in routes.iter().take(MOST) {
        samples.push(probe_one(route).await);
    }
    samples
}

/// Probes every way once a second until it is dropped; `samples` is what came of it.
#[derive(Debug)]
pub struct Prober {
    rounds: JoinSet<()>,
    samples: tokio::sync::mpsc::UnboundedReceiver<Vec<PathSample>>,
}

impl Prober {
    /// Begins.
    #[must_use]
    pub fn start(routes: Vec<Route>) -> Self {
        let (send, samples) = tokio::sync::mpsc::unbounded_channel();
        let mut rounds = JoinSet::new();
        rounds.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                if send.send(probe(&routes).await).is_err() {
                    return;
                }
            }
        });
        Self { rounds, samples }
    }

    /// Ends, with every sample.
    #[must_use]
    pub fn end(mut self) -> Vec<PathSample> {
        self.rounds.abort_all();
        let mut all = Vec::new();
        while let Ok(round) = self.samples.try_recv() {
            all.extend(round);
        }
        all
    }
}

async fn probe_one(route: &Route) -> PathSample {
    let begin = Instant::now();
    let connected = tokio::time::timeout(TIMEOUT, TcpStream::connect(route.address)).await;
    let connect_us = matches!(connected, Ok(Ok(_))).then(|| microseconds(begin));
    drop(connected);
    let (replica, answer_us) = match connect_us {
        None => (None, None),
        Some(_) => ask(route.address).await,
    };
    PathSample {
        from: route.from.clone(),
        service: route.service,
        replica,
        to: route.to.clone(),
        connect_us,
        answer_us,
    }
}

/// The replica behind an address and how long it took to say so, connecting included.
async fn ask(address: SocketAddr) -> (Option<String>, Option<u64>) {
    #[derive(Deserialize)]
    struct Health {
        replica: Option<String>,
    }
    let begin = Instant::now();
    let mut client = Client::new(address);
    match tokio::time::timeout(TIMEOUT, client.get("/health")).await {
        Ok(Ok(body)) => {
            let health = serde_json::from_slice::<Health>(&body).ok();
            (health.and_then(|health| health.replica), Some(microseconds(begin)))
        }
        // Answered all the same: an app without /health is no failure of the way to it.
        Ok(Err(crate::http::HttpError::Status { .. })) => (None, Some(microseconds(begin))),
        Ok(Err(_)) | Err(_) => (None, None),
    }
}

fn microseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX)
}
