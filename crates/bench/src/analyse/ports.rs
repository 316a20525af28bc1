//! What probes of the published ports tell: how long each answers, and where requests queue.

use std::collections::{BTreeMap, BTreeSet};

use load::distribution::needed;
use load::numbers::{float, median};
use serde::{Deserialize, Serialize};

use crate::cli::Threshold;
use crate::measure::{PortSample, PortSamples, PortsSeen, Work};

/// Version of these findings; fields are added within a version, never renamed.
const SCHEMA_VERSION: u32 = 1;
/// So many answers of a path are needed before anything is concluded from it.
const ENOUGH: usize = 3;
/// Shorter queues are no queue: a replica that is busy half the time has them.
const A_QUEUE: f64 = 0.5;
/// Shorter waits are no queue where the service time is not known.
const A_WAIT_MS: f64 = 10.0;
/// Nothing is concluded where a larger share of a path's probes failed: the slowest may be missing.
const A_GAP: f64 = 0.05;
/// Probes that take a larger share of a service's capacity are said to.
const A_BURDEN: f64 = 0.05;

/// What the probes of an app's ports found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortsFindings {
    /// Version of this shape.
    pub schema_version: u32,
    /// Which app, and why that one.
    pub cluster: String,
    /// How often each path was probed.
    pub interval_ms: u64,
    /// Every path.
    pub ports: Vec<PortFindings>,
    /// Every service that was probed on a path that takes no work.
    pub services: Vec<QueueFindings>,
    /// Where requests queue, if anything can be concluded.
    pub verdict: Option<PortsVerdict>,
    /// Why nothing can be, otherwise.
    pub withheld: Option<String>,
    /// Thresholds that were missed, each in a sentence.
    pub missed: Vec<String>,
    /// Thresholds that nothing could be compared with, each in a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<String>,
    /// What makes these findings doubtful.
    pub warnings: Vec<String>,
}

/// One path of one port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortFindings {
    /// Whose port.
    pub service: String,
    /// What was asked, as `GET /32`.
    pub request: String,
    /// Where.
    pub address: String,
    /// The node that is entered there, where nodes are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Probes made.
    pub probes: u64,
    /// Probes without a good answer,
    pub failed: u64,
    /// and why, with how often.
    pub failures: BTreeMap<String, u64>,
    /// The latest round trip.
    pub last_ms: Option<f64>,
    /// The shortest round trip.
    pub min_ms: Option<f64>,
    /// The median round trip, a new connection each.
    pub p50_ms: Option<f64>,
    /// Nine of ten are shorter; withheld below a hundred answers, as one of a few stragglers.
    pub p90_ms: Option<f64>,
    /// The longest round trip.
    pub max_ms: Option<f64>,
    /// Median time in the server's queue, as it says itself.
    pub queue_p50_ms: Option<f64>,
    /// Median time of the work, as the server says itself.
    pub service_p50_ms: Option<f64>,
    /// Answers by replica, where they tell.
    pub replicas: BTreeMap<String, u64>,
}

/// The queue before one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueFindings {
    /// Which.
    pub service: String,
    /// Median round trip of the path that takes no work.
    pub answers_in_ms: f64,
    /// Median time in the queue: by the server's word, else that round trip.
    pub queue_ms: f64,
    /// Median time of the work: by the server's word, else what the path with work takes longer.
    pub service_ms: Option<f64>,
    /// Requests that wait, over all replicas, on average.
    pub waiting: Option<f64>,
    /// Whether that counts as a queue.
    pub queues: bool,
}

/// Where requests queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortsVerdict {
    /// The service with the longest wait, if requests queue anywhere.
    pub service: Option<String>,
    /// In a sentence.
    pub sentence: String,
}

/// What the probes found so far.
#[must_use]
pub fn ports(seen: &PortsSeen) -> PortsFindings {
    let services: Vec<QueueFindings> =
        names(seen).into_iter().filter_map(|name| queue(seen, name)).collect();
    let (verdict, withheld) = match verdict(seen, &services) {
        Ok(verdict) => (Some(verdict), None),
        Err(reason) => (None, Some(reason)),
    };
    PortsFindings {
        schema_version: SCHEMA_VERSION,
        cluster: seen.cluster.clone(),
        interval_ms: seen.interval_ms,
        ports: seen.ports.iter().map(port).collect(),
        warnings: services.iter().filter_map(|service| burden(seen, service)).collect(),
        services,
        missed: Vec::new(),
        unjudged: Vec::new(),
        verdict,
        withheld,
    }
}

impl PortsFindings {
    /// Medians that are above their threshold, each in a sentence; and those that are not there.
    #[must_use]
    pub fn above(&self, thresholds: &[Threshold]) -> (Vec<String>, Vec<String>) {
        let (mut above, mut unjudged) = (Vec::new(), Vec::new());
        for port in &self.ports {
            let PortFindings { service, request, p50_ms, .. } = port;
            let own = |of: &String| of == service;
            let thresholds = thresholds.iter().filter(|one| one.service.as_ref().is_none_or(own));
            for most in thresholds.map(|one| one.at_most.as_secs_f64() * 1000.0) {
                match p50_ms {
                    Some(median) if *median <= most => {}
                    Some(median) => above.push(format!(
                        "{service} {request}: a median of {}, above {}",
                        milliseconds(*median),
                        milliseconds(most)
                    )),
                    None => {
                        unjudged.push(format!("{service} {request}: no median, nothing answered"));
                    }
                }
            }
        }
        (above, unjudged)
    }
}

/// The services, in the order of their ports.
fn names(seen: &PortsSeen) -> Vec<&str> {
    let mut names = Vec::new();
    for probed in &seen.ports {
        if !names.contains(&probed.port.service.as_str()) {
            names.push(&probed.port.service);
        }
    }
    names
}

fn port(probed: &PortSamples) -> PortFindings {
    let PortSamples { port, probes, failures, samples } = probed;
    let mut totals = times(samples, |sample| Some(sample.total_us));
    let last_ms = totals.last().copied();
    totals.sort_by(f64::total_cmp);
    let mut replicas = BTreeMap::new();
    for replica in samples.iter().filter_map(|sample| sample.replica.as_ref()) {
        *replicas.entry(replica.clone()).or_default() += 1;
    }
    PortFindings {
        service: port.service.clone(),
        request: port.request(),
        address: port.url.authority(),
        node: port.node.clone(),
        probes: *probes,
        failed: failures.values().sum(),
        failures: failures.clone(),
        last_ms,
        min_ms: totals.first().copied(),
        p50_ms: median(&mut totals),
        p90_ms: (totals.len() as u64 >= needed(0.9))
            .then(|| totals[(totals.len() * 9).div_ceil(10) - 1]),
        max_ms: totals.last().copied(),
        queue_p50_ms: median_of(samples, |sample| sample.queue_us),
        service_p50_ms: median_of(samples, |sample| sample.service_us),
        replicas,
    }
}

/// What is known of one service's queue, once its light path has answered often enough.
fn queue(seen: &PortsSeen, name: &str) -> Option<QueueFindings> {
    let samples = |work: &[Work]| -> Vec<&PortSample> {
        let own = seen.ports.iter().filter(|probed| probed.port.service == name);
        own.filter(|probed| work.contains(&probed.port.work))
            .flat_map(|probed| &probed.samples)
            .collect()
    };
    let (light, heavy) = (samples(&[Work::None, Work::Unknown]), samples(&[Work::Full]));
    if light.len() < ENOUGH {
        return None;
    }
    let answers_in_ms = median_of(light.iter().copied(), |sample| Some(sample.total_us))?;
    let both = || light.iter().chain(&heavy).copied();
    let told = median_of(both(), |sample| sample.queue_us);
    let queue_ms = told.unwrap_or(answers_in_ms);
    let worked = median_of(heavy.iter().copied(), |sample| Some(sample.total_us));
    let service_ms = median_of(heavy.iter().copied(), |sample| sample.service_us)
        .or_else(|| median_of(light.iter().copied(), |sample| sample.service_us))
        .filter(|told| *told > 0.0)
        .or_else(|| worked.map(|worked| worked - answers_in_ms))
        .filter(|service| *service > 0.0);
    let waiting = service_ms.and_then(|service_ms| {
        let places = float((*seen.places.get(name)?).into());
        let replicas = replicas(seen, name)?;
        // A probe waits for those before it and for half of the one in service, on average.
        let before = queue_ms * places / service_ms - A_QUEUE;
        Some(before.max(0.0) * replicas)
    });
    let queues = match (waiting, service_ms) {
        (Some(waiting), _) => waiting >= A_QUEUE,
        (None, Some(service_ms)) => queue_ms > service_ms * A_QUEUE,
        (None, None) => told.is_some() && queue_ms > A_WAIT_MS,
    };
    let service = name.to_owned();
    Some(QueueFindings { service, answers_in_ms, queue_ms, service_ms, waiting, queues })
}

/// Replicas of a service: as the cluster says, else those that have answered so far.
fn replicas(seen: &PortsSeen, name: &str) -> Option<f64> {
    let own = seen.ports.iter().filter(|probed| probed.port.service == name);
    let answered: BTreeSet<_> = own
        .flat_map(|probed| &probed.samples)
        .filter_map(|sample| sample.replica.as_ref())
        .collect();
    let answered = u32::try_from(answered.len()).ok().filter(|count| *count > 0);
    seen.replicas.get(name).copied().or(answered).map(|count| float(count.into()))
}

/// Where requests queue, in a sentence; or why that cannot be said.
fn verdict(seen: &PortsSeen, services: &[QueueFindings]) -> Result<PortsVerdict, String> {
    for PortSamples { port, probes, failures, .. } in &seen.ports {
        let failed: u64 = failures.values().sum();
        let often = failures.iter().max_by_key(|(_, count)| **count);
        if let Some((failure, _)) = often.filter(|_| float(failed) > A_GAP * float(*probes)) {
            let (name, request) = (&port.service, port.request());
            return Err(match failed == *probes {
                true => format!("{name} gives no good answer to {request}: {failure}"),
                false => format!("{name} {request} failed {failed} of {probes} times: {failure}"),
            });
        }
    }
    let stations: Vec<_> = services.iter().filter(|queue| queue.service_ms.is_some()).collect();
    if stations.is_empty() {
        return Err(match services.is_empty() {
            true => format!("fewer than {ENOUGH} answers of a path"),
            false => String::from(
                "no service that tells its queue, or that was probed with work and without",
            ),
        });
    }
    let answers: Vec<String> = stations
        .iter()
        .map(|queue| format!("{} in {}", queue.service, milliseconds(queue.answers_in_ms)))
        .collect();
    let answers = answers.join(", ").replacen(" in ", " answers in ", 1);
    let longest = stations
        .iter()
        .filter(|queue| queue.queues)
        .max_by(|a, b| a.queue_ms.total_cmp(&b.queue_ms));
    Ok(match longest {
        Some(queue) => {
            let waiting =
                queue.waiting.map_or_else(String::new, |waiting| format!(", {waiting:.0} waiting"));
            let service = Some(queue.service.clone());
            let sentence = format!("{answers}: requests queue at {}{waiting}.", queue.service);
            PortsVerdict { service, sentence }
        }
        None => PortsVerdict {
            service: None,
            sentence: format!("{answers}: requests queue nowhere, more workers would make more."),
        },
    })
}

/// How much of a service's capacity the probes with work take, where that is no trifle.
fn burden(seen: &PortsSeen, queue: &QueueFindings) -> Option<String> {
    let own = seen.ports.iter().filter(|probed| probed.port.service == queue.service);
    let working = own.filter(|probed| probed.port.work == Work::Full).count() as u64;
    let places = float((*seen.places.get(&queue.service)?).into());
    let replicas = replicas(seen, &queue.service)?;
    let asked = float(working) * 1000.0 / float(seen.interval_ms.max(1));
    let share = asked * queue.service_ms? / 1000.0 / places / replicas;
    let name = &queue.service;
    (share > A_BURDEN).then(|| {
        format!(
            "the probes take {:.0} % of what {name} can do; a longer --interval takes less",
            share * 100.0
        )
    })
}

/// `4.7 ms`, `810 ms`, `1.20 s`.
fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms >= 1000.0 => format!("{:.2} s", ms / 1000.0),
        ms if ms >= 100.0 => format!("{ms:.0} ms"),
        ms => format!("{ms:.1} ms"),
    }
}

fn times<'a>(
    samples: impl IntoIterator<Item = &'a PortSample>,
    of: fn(&PortSample) -> Option<u64>,
) -> Vec<f64> {
    samples.into_iter().filter_map(of).map(|us| float(us) / 1000.0).collect()
}

fn median_of<'a>(
    samples: impl IntoIterator<Item = &'a PortSample>,
    of: fn(&PortSample) -> Option<u64>,
) -> Option<f64> {
    median(&mut times(samples, of))
}

#[cfg(test)]
mod tests;
