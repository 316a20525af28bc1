//! What all probes so far come to. Pure: it is given probes and knows no clock.
//!
//! Times are those of probes that were ok; what failed is counted by kind and has no part in them.
//! A percentile is told once enough probes lie beyond it, the rule of [`load::distribution::needed`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use exchange::{Kind, Phase};
use load::distribution::{Distribution, needed};
use load::numbers::float;

use crate::prober::Probe;
use crate::settings::{Measure, Statuses};

/// The percentiles that summaries tell, by the names of their JSON fields.
pub const PERCENTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99_9", 0.999)];

/// What a failure is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// There was no answer.
    NoAnswer(Kind),
    /// There was, with a status that is not ok.
    Status(u16),
}

/// What all probes so far come to.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Probes that ended.
    pub probes: u64,
    /// Those that were ok.
    pub ok: u64,
    /// Slots of the interval that passed while a probe took longer.
    pub skipped: u64,
    /// Connections that were kept and had to be made again.
    pub reconnects: u64,
    /// Responses that were followed by bytes which belong to none.
    pub excess: u64,
    /// Those that failed, by kind.
    pub faults: BTreeMap<Fault, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers by the replica that gave them.
    pub replicas: BTreeMap<String, u64>,
    /// Times of whole probes.
    pub total: Series,
    /// Times of their phases, in the order of [`Phase::ALL`].
    pub phases: [Series; 6],
    /// What the server says a request waited in its queue.
    pub queue: Series,
    /// What the server says it worked on it.
    pub service: Series,
    /// Bytes a second of each body.
    pub speed: Speed,
    jitter: Jitter,
}

/// Lengths of time: exact sums, and a distribution.
#[derive(Clone, Debug, Default)]
pub struct Series {
    count: u64,
    sum: f64,
    squares: f64,
    min: Duration,
    max: Duration,
    distribution: Distribution,
}

/// How fast bodies came, in bytes a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Speed {
    count: u32,
    /// The slowest.
    pub min: f64,
    sum: f64,
    /// The fastest.
    pub max: f64,
}

/// The mean difference of neighbours.
#[derive(Clone, Copy, Debug, Default)]
struct Jitter {
    last: Option<Duration>,
    sum: Duration,
    count: u32,
}

impl Statistics {
    /// Adds what a probe came to.
    pub fn add(&mut self, probe: &Probe, ok: &Statuses) {
        self.probes += 1;
        self.reconnects += u64::from(probe.reconnected);
        self.excess += u64::from(probe.excess);
        if let Some(reply) = probe.reply() {
            *self.statuses.entry(reply.answer.status).or_default() += 1;
            if let Some(replica) = &reply.replica {
                match self.replicas.get_mut(replica) {
                    Some(count) => *count += 1,
                    None => drop(self.replicas.insert(replica.clone(), 1)),
                }
            }
        }
        match fault(probe, ok) {
            Some(fault) => {
                *self.faults.entry(fault).or_default() += 1;
                // What a failure stands between are no neighbours.
                self.jitter.last = None;
            }
            None => self.add_ok(probe),
        }
    }

    fn add_ok(&mut self, probe: &Probe) {
        let Some(reply) = probe.reply() else { return };
        self.ok += 1;
        self.total.add(probe.elapsed);
        self.jitter.add(probe.elapsed);
        for (series, phase) in self.phases.iter_mut().zip(Phase::ALL) {
            if let Some(length) = reply.phases.get(phase) {
                series.add(length);
            }
        }
        let server = [
            (&mut self.queue, reply.server.queue_us),
            (&mut self.service, reply.server.service_us),
        ];
        for (series, microseconds) in server {
            if let Some(microseconds) = microseconds {
                series.add(Duration::from_micros(microseconds));
            }
        }
        if let Some(speed) = speed(probe) {
            self.speed.add(speed);
        }
    }

    /// Responses of a class of statuses: 4 for 4xx.
    #[must_use]
    pub fn of_class(&self, class: u16) -> u64 {
        self.statuses.range(class * 100..(class + 1) * 100).map(|(_, count)| count).sum()
    }

    /// Probes that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.probes - self.ok
    }

    /// The same in percent; 0 of none.
    #[must_use]
    pub fn failed_percent(&self) -> f64 {
        if self.probes == 0 { 0.0 } else { float(self.failed()) * 100.0 / float(self.probes) }
    }

    /// The mean absolute difference between probes that follow each other and are both ok. All
    /// differences weigh the same, unlike in RFC 3550, where the last ones weigh more.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        (self.jitter.count > 0).then(|| self.jitter.sum / self.jitter.count)
    }

    /// One measure of the times, where there are enough of them.
    #[must_use]
    pub fn measure(&self, measure: Measure) -> Option<Duration> {
        match measure {
            Measure::Min => self.total.min(),
            Measure::Mean => self.total.mean(),
            Measure::Max => self.total.max(),
            Measure::Jitter => self.jitter(),
            Measure::Quantile(share) => self.total.told(share.of_one()),
        }
    }
}

impl Series {
    /// Adds a value.
    pub fn add(&mut self, length: Duration) {
        let seconds = length.as_secs_f64();
        self.min = if self.count == 0 { length } else { self.min.min(length) };
        self.max = self.max.max(length);
        self.count += 1;
        self.sum += seconds;
        self.squares += seconds * seconds;
        self.distribution.record(length);
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The shortest.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.min)
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_secs_f64(self.sum / float(self.count)))
    }

    /// The standard deviation of these values, as httping reckons it: over n, not n - 1.
    #[must_use]
    pub fn deviation(&self) -> Option<Duration> {
        let mean = self.mean()?.as_secs_f64();
        let variance = self.squares / float(self.count) - mean * mean;
        // Rounding can leave it a little below 0.
        Some(Duration::from_secs_f64(variance.max(0.0).sqrt()))
    }

    /// The middle value, however few there are.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        self.quantile(0.5)
    }

    /// A percentile, once there are enough values for it.
    #[must_use]
    pub fn told(&self, quantile: f64) -> Option<Duration> {
        self.quantile(quantile).filter(|_| self.count >= needed(quantile))
    }

    /// All values with how often each was met.
    #[must_use]
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    /// To the distribution's digits, but never beyond what was met.
    fn quantile(&self, quantile: f64) -> Option<Duration> {
        let value = self.distribution.quantile(quantile)?;
        Some(Duration::from_nanos(value).clamp(self.min, self.max))
    }
}

impl Speed {
    fn add(&mut self, speed: f64) {
        self.min = if self.count == 0 { speed } else { self.min.min(speed) };
        self.max = self.max.max(speed);
        self.sum += speed;
        self.count += 1;
    }

    /// Their mean, if there was a body at all.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

impl Jitter {
    fn add(&mut self, length: Duration) {
        if let Some(last) = self.last.replace(length) {
            self.sum += length.abs_diff(last);
            self.count = self.count.saturating_add(1);
        }
    }
}

/// Why a probe is not ok, if it is not.
#[must_use]
pub fn fault(probe: &Probe, ok: &Statuses) -> Option<Fault> {
    match &probe.outcome {
        Err(failure) => Some(Fault::NoAnswer(failure.kind())),
        Ok(reply) if ok.has(reply.answer.status) => None,
        Ok(reply) => Some(Fault::Status(reply.answer.status)),
    }
}

/// Bytes a second of a body: from when the request was sent until the answer was whole. Its first
/// bytes often come with the head, so that counting from there would leave no time at all.
#[must_use]
pub fn speed(probe: &Probe) -> Option<f64> {
    let reply = probe.reply().filter(|reply| reply.answer.body_bytes > 0)?;
    let seconds = (reply.phases.wait + reply.phases.receive).as_secs_f64();
    (seconds > 0.0).then(|| float(reply.answer.body_bytes) / seconds)
}

/// In words, as after `2 times`.
impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(kind) => kind.fmt(formatter),
            Self::Status(status) => write!(formatter, "status {status}"),
        }
    }
}

/// Milliseconds of a length of time.
pub(crate) fn milliseconds(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests;
