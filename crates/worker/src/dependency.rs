//! A service the worker depends on: the replicas found so far, one chosen for each request, and
//! another one after a failure. It asks until it has an answer; giving up is the caller's choice.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use observation::Experiment;
use service::{Outage, Recovery, injection};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::connection::{Answer, Failure, Patience};
use crate::experiment::Experiments;
use crate::policy::Policy;
use crate::replica::Replica;
use crate::targets::Targets;

/// How often the replicas are looked for again.
const RENEWAL: Duration = Duration::from_secs(1);
/// How often while there is none.
const FIRST_RENEWAL: Duration = Duration::from_millis(100);

/// Length of a SHA-256 in hex.
const HASH_LENGTH: usize = 64;

/// What to ask a dependency for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) body: Bytes,
    pub(crate) good: Good,
}

/// What a good answer's body looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Good {
    /// So many bytes.
    Length(usize),
    /// A SHA-256 in lower-case hex.
    Hash,
}

/// The replica to ask, and whether the caller had to wait for one that may be asked.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) replica: Arc<Replica>,
    pub(crate) waited: bool,
}

/// A service, its replicas and how to choose among them.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: &'static str,
    targets: Targets,
    experiments: Arc<Experiments>,
    /// Which delay of an experiment is this service's.
    delay: fn(&Experiment) -> u64,
    patience: Patience,
    replicas: Mutex<Arc<[Arc<Replica>]>>,
    turn: AtomicUsize,
    renewed: Notify,
    failing: Mutex<Failing>,
}

/// The replicas that have failed and not answered since.
#[derive(Debug, Default)]
struct Failing {
    addresses: Vec<SocketAddr>,
    outage: Outage,
}

impl Dependency {
    pub(crate) fn new(
        name: &'static str,
        targets: Targets,
        experiments: Arc<Experiments>,
        delay: fn(&Experiment) -> u64,
        patience: Patience,
    ) -> Self {
        // Workers that start together must not all begin with the same replica.
        let turn = AtomicUsize::new(rand::random_range(0..1 << 16));
        let replicas = Mutex::new(Arc::from([]));
        let renewed = Notify::new();
        let failing = Mutex::default();
        Self { name, targets, experiments, delay, patience, replicas, turn, renewed, failing }
    }

    /// Keeps the list of replicas current, for ever. `report` hears of each failure to.
    pub(crate) async fn renew(&self, mut report: impl FnMut(&str)) {
        let dependency = self.name;
        let mut outage = Outage::default();
        loop {
            let policy = self.experiments.policy();
            match self.targets.resolve(policy == Policy::Vip).await {
                Ok(found) => {
                    if let Some(Recovery { after, failures }) = outage.succeeded() {
                        tracing::info!(dependency, ?after, failures, "replicas are found again");
                    }
                    self.replace(&found);
                }
                Err(error) => {
                    if let Some(failures) = outage.failed() {
                        tracing::warn!(dependency, %error, failures, "cannot find replicas");
                    }
                    report("resolve");
                }
            }
            let none = self.replicas.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
            let pause = if none { FIRST_RENEWAL } else { RENEWAL };
            // Another policy may mean other targets.
            let _ = tokio::time::timeout(pause, self.experiments.policy_is_not(policy)).await;
        }
    }

    /// Takes up new replicas and drops those that are gone; the others keep their connections.
    fn replace(&self, found: &[SocketAddr]) {
        let mut replicas = self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        if replicas.iter().map(|replica| replica.address).eq(found.iter().copied()) {
            return;
        }
        tracing::info!(dependency = self.name, replicas = ?found, "replicas changed");
        let known = |address| replicas.iter().find(|replica| replica.address == address).cloned();
        let next = |&address| known(address).unwrap_or_else(|| Arc::new(Replica::new(address)));
        *replicas = found.iter().map(next).collect();
        drop(replicas);
        self.renewed.notify_waiters();
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.addresses.retain(|address| found.contains(address));
        if failing.addresses.is_empty() {
            failing.outage.succeeded(); // the line above says what has become of it
        }
    }

    fn failed(&self, address: SocketAddr, failure: &Failure) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if !failing.addresses.contains(&address) {
            failing.addresses.push(address);
        }
        if let Some(failures) = failing.outage.failed() {
            let error = failure.to_string();
            tracing::warn!(dependency = self.name, %address, error, failures, "request failed");
        }
    }

    /// A replica has answered again; the dependency is back when no other fails.
    fn recovered(&self, address: SocketAddr) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.addresses.retain(|failing| *failing != address);
        if failing.addresses.is_empty()
            && let Some(Recovery { after, failures }) = failing.outage.succeeded()
        {
            tracing::info!(dependency = self.name, ?after, failures, "dependency is back");
        }
    }

    /// Asks one replica once.
    pub(crate) async fn ask(
        &self,
        replica: &Replica,
        question: &Question,
    ) -> Result<Answer, Failure> {
        let close = self.experiments.policy() == Policy::Vip;
        let delay = self.experiments.delay(self.delay);
        let request = question.request(replica.address, close, delay);
        let asked = replica.ask(request, question.good.length(), self.patience, close).await;
        let checked = asked.and_then(|answer| question.good.check(answer));
        match &checked {
            Ok(_) if replica.succeeded() => self.recovered(replica.address),
            Ok(_) => {}
            Err(failure) if failure.is_stale() => {}
            Err(failure) => {
                replica.failed(Instant::now());
                self.failed(replica.address, failure);
            }
        }
        checked
    }

    /// The replica whose turn it is; waits while there is none, or none that may be asked.
    pub(crate) async fn choose(&self) -> Choice {
        let mut waited = false;
        loop {
            // Listens before it looks, so that a renewal in between is not missed.
            let renewed = self.renewed.notified();
            let replicas =
                Arc::clone(&self.replicas.lock().unwrap_or_else(PoisonError::into_inner));
            let now = Instant::now();
            let available: Vec<_> = replicas.iter().map(|r| r.available(now)).collect();
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            if let Some(index) = self.experiments.policy().choose(&available, turn) {
                return Choice { replica: Arc::clone(&replicas[index]), waited };
            }
            waited = true;
            match replicas.iter().filter_map(|replica| replica.away_until()).min() {
                Some(until) => {
                    let _ = tokio::time::timeout_at(until, renewed).await;
                }
                None => renewed.await,
            }
        }
    }
}

impl Question {
    fn request(
        &self,
        address: SocketAddr,
        close: bool,
        delay: Option<Duration>,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        // A path from the settings' own numbers: it always parses.
        *request.uri_mut() = self.path.parse().unwrap_or_default();
        let host = HeaderValue::from_str(&address.to_string());
        request.headers_mut().insert(HOST, host.unwrap_or(HeaderValue::from_static("-")));
        if self.method == Method::POST {
            // Without a type, Rack (the original hasher) parses the body as a form and refuses
            // random bytes with 400.
            let binary = HeaderValue::from_static("application/octet-stream");
            request.headers_mut().insert(CONTENT_TYPE, binary);
        }
        if close {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(delay) = delay {
            let microseconds = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
            request.headers_mut().insert(injection::HEADER, microseconds.into());
        }
        request
    }
}

impl Good {
    fn length(self) -> usize {
        match self {
            Self::Length(length) => length,
            Self::Hash => HASH_LENGTH,
        }
    }

    fn check(self, answer: Answer) -> Result<Answer, Failure> {
        let lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let characters_fit = match self {
            Self::Length(_) => true,
            Self::Hash => answer.body.iter().all(lower_hex),
        };
        if answer.body.len() == self.length() && characters_fit {
            return Ok(answer);
        }
        Err(Failure::Malformed(format!("{} bytes that are no answer", answer.body.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency() -> Dependency {
        let patience = Patience { connect: RENEWAL, request: RENEWAL };
        let experiments = Arc::new(Experiments::new(false, Policy::RoundRobin));
        let targets = Targets::Fixed(Vec::new());
        Dependency::new("rng", targets, experiments, |experiment| experiment.rng_us, patience)
    }

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_that_stays_keeps_what_is_held_against_it() {
        let dependency = dependency();
        dependency.replace(&[address(1), address(2)]);
        for _ in 0..2 {
            let replica = dependency.choose().await.replica;
            if replica.address == address(1) {
                replica.failed(Instant::now());
            }
        }
        dependency.replace(&[address(1), address(2), address(3)]);
        let mut chosen: Vec<_> = Vec::new();
        for _ in 0..6 {
            chosen.push(dependency.choose().await.replica.address);
        }
        assert!(!chosen.contains(&address(1)), "asked a replica that was to be left alone");
        assert!(chosen.contains(&address(3)), "the new replica got nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_replica_goes_on_when_one_appears() {
        let dependency = Arc::new(dependency());
        let waiter = tokio::spawn({
            let dependency = Arc::clone(&dependency);
            async move { dependency.choose().await.replica.address }
        });
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!waiter.is_finished());
        dependency.replace(&[address(7)]);
        assert_eq!(waiter.await.unwrap(), address(7));
    }

    #[tokio::test(start_paused = true)]
    async fn with_every_replica_away_the_first_to_come_back_is_asked() {
        let dependency = dependency();
        dependency.replace(&[address(1)]);
        dependency.choose().await.replica.failed(Instant::now());
        let begin = Instant::now();
        assert_eq!(dependency.choose().await.replica.address, address(1));
        assert!(begin.elapsed() >= Duration::from_millis(100));
    }
}
