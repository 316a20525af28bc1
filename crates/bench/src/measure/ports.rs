//! Probes the app's published ports, all at once and each at its own moments: what every probe saw,
//! written down. What it means is `analyse`'s business.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use exchange::{Request, Url};
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use ping::prober::{Asked, Body, Probe, Prober, Target};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Counter;
use crate::failure::Failure;

/// Samples that are kept of one path; the oldest go first.
pub const MOST_SAMPLES: usize = 10_000;
/// As many bytes as a worker posts to hasher.
const POSTED_BYTES: usize = 32;

/// How much work a request makes its server do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// None: its response waits in the queue alone.
    None,
    /// What the workers ask for.
    Full,
    /// It is not known.
    Unknown,
}

impl Work {
    /// What `GET path` makes a service of this name do, by the contract of the app.
    #[must_use]
    pub fn of(service: &str, path: &str) -> Self {
        let is_number = |path: &str| path.parse::<u64>().is_ok();
        match (service, path.strip_prefix('/')) {
            ("rng" | "hasher", Some("")) => Self::None,
            ("rng", Some(length)) if is_number(length) => Self::Full,
            _ => Self::Unknown,
        }
    }
}

/// One path of one published port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Whose port.
    pub service: String,
    /// Where, and for what.
    pub url: Url,
    /// Whether a body is posted: as many random bytes as a worker posts.
    pub post: bool,
    /// What it makes the server do.
    pub work: Work,
    /// The node that is entered there, where nodes are told apart.
    pub node: Option<String>,
}

impl Port {
    /// What is asked, as `GET /32`.
    #[must_use]
    pub fn request(&self) -> String {
        format!("{} {}", if self.post { "POST" } else { "GET" }, self.url.path)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSample {
    /// From before connecting to the last byte, in microseconds.
    pub total_us: u64,
    /// Of this, making the connection, likewise.
    pub connect_us: u64,
    /// Time in the server's queue, as it says itself, likewise.
    pub queue_us: Option<u64>,
    /// Time of the work, as the server says itself, likewise.
    pub service_us: Option<u64>,
    /// The replica that answered, if it says.
    pub replica: Option<String>,
}

impl PortSample {
    /// The round trip on a connection that is there, in microseconds, less what the network takes of it: about as
    /// long as the handshake.
    #[must_use]
    pub fn waited_us(&self) -> u64 {
        self.total_us.saturating_sub(2 * self.connect_us)
    }
}

/// All probes of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSamples {
    /// Which.
    pub port: Port,
    /// Probes made.
    pub probes: u64,
    /// Those without a good answer, by what was wrong.
    pub failures: BTreeMap<String, u64>,
    /// The good answers, the latest last; at most [`MOST_SAMPLES`].
    pub samples: VecDeque<PortSample>,
}

/// All probes of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortsSeen {
    /// Which app, and why that one.
    pub cluster: String,
    /// How often each path is probed.
    pub interval_ms: u64,
    /// Replicas of each service, where that is known.
    pub replicas: BTreeMap<String, u32>,
    /// Requests a replica of each service works on at a time, where it says.
    pub places: BTreeMap<String, u32>,
    /// webui's counters, when probing began and when it ended; where there is a webui.
    pub counted: Option<[Counter; 2]>,
    /// Every path.
    pub ports: Vec<PortSamples>,
}

/// How often each path is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Probes of each path; `None` for no end.
    pub count: Option<u64>,
    /// From one probe of a path to the next, on average.
    pub interval: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

impl PortsSeen {
    /// Nothing seen yet of these ports.
    #[must_use]
    pub fn of(cluster: String, ports: Vec<Port>) -> Self {
        let ports = ports
            .into_iter()
            .map(|port| PortSamples {
                port,
                probes: 0,
                failures: BTreeMap::new(),
                samples: VecDeque::new(),
            })
            .collect();
        Self { cluster, ports, ..Self::default() }
    }
}

/// Probes that are under way.
#[derive(Debug)]
pub struct Ports {
    seen: PortsSeen,
    /// The probing ends when this is dropped.
    _probing: JoinSet<()>,
    probes: UnboundedReceiver<(usize, Result<PortSample, String>)>,
}

impl Ports {
    /// Begins to probe.
    ///
    /// # Errors
    /// When a port cannot be probed at all.
    pub fn start(mut seen: PortsSeen, pace: &Pace) -> Result<Self, Failure> {
        seen.interval_ms = u64::try_from(pace.interval.as_millis()).unwrap_or(u64::MAX);
        let (told, probes) = unbounded_channel();
        let mut probing = JoinSet::new();
        for (index, probed) in seen.ports.iter().enumerate() {
            let asking = prober(&probed.port, pace.timeout)?;
            let (pace, told) = (*pace, told.clone());
            probing.spawn(async move { keep_probing(asking, pace, index, &told).await });
        }
        Ok(Self { seen, _probing: probing, probes })
    }

    /// Waits for the next probe; `false` when there is none any more.
    pub async fn next(&mut self) -> bool {
        let Some((index, outcome)) = self.probes.recv().await else { return false };
        let probed = &mut self.seen.ports[index];
        probed.probes += 1;
        match outcome {
            Ok(sample) => {
                if probed.samples.len() == MOST_SAMPLES {
                    probed.samples.pop_front();
                }
                probed.samples.push_back(sample);
            }
            Err(failure) => *probed.failures.entry(failure).or_default() += 1,
        }
        true
    }

    /// Notes webui's counters, as they were when probing began and ended.
    pub fn counted(&mut self, first: Counter, last: Counter) {
        self.seen.counted = Some([first, last]);
    }

    /// All probes so far.
    #[must_use]
    pub fn seen(&self) -> &PortsSeen {
        &self.seen
    }
}

/// Probes one path at a moment of its own within each interval: at equal distances it would meet a
/// server that takes equal times always at the same moment, and paths would meet each other.
async fn keep_probing(
    mut prober: Prober,
    pace: Pace,
    index: usize,
    told: &UnboundedSender<(usize, Result<PortSample, String>)>,
) {
    let begin = Instant::now();
    let mut number = 0;
    while pace.count.is_none_or(|count| number < count) {
        let round = pace.interval.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
        tokio::time::sleep_until(begin + round + pace.interval.mul_f64(rand::random())).await;
        number += 1;
        if told.send((index, sample(prober.probe().await))).is_err() {
            return;
        }
    }
}

/// A prober of one path: a new connection for each probe, as whoever comes new would have it.
fn prober(port: &Port, limit: Duration) -> Result<Prober, Failure> {
    let method = if port.post { Method::POST } else { Method::GET };
    let body = if port.post { Body::Random(POSTED_BYTES) } else { Body::Fixed };
    // Random bytes without a type are a form to some servers, and a malformed one.
    let octets = HeaderValue::from_static("application/octet-stream");
    let headers = if port.post { vec![(CONTENT_TYPE, octets)] } else { Vec::new() };
    let request = Request { method, headers, ..Request::default() };
    let target = Target {
        route: exchange::Route::to(port.url.clone()),
        asked: Asked { request, body, buster: None },
        keeps_connection: false,
        resolves_once: false,
        limit,
    };
    Prober::new(target).map_err(|failure| Failure::Probe(failure.to_string()))
}

/// What came of a probe: a good response, or what went wrong. An error of the client counts like one of the server:
/// these requests are right.
fn sample(probe: Probe) -> Result<PortSample, String> {
    let reply = probe.outcome.map_err(|failure| failure.to_string())?;
    if reply.answer.status >= 400 {
        return Err(reply.status_text());
    }
    Ok(PortSample {
        total_us: microseconds(reply.phases.total()),
        connect_us: microseconds(reply.phases.connect.unwrap_or_default()),
        queue_us: reply.server.queue_us,
        service_us: reply.server.service_us,
        replica: reply.replica,
    })
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
