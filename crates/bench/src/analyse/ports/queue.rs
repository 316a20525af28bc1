//! Whether requests queue at a service, by probes of it: how long a request without work waits, held against how
//! long the work takes. Both are medians with an interval, so that a few slow responses show nothing.

use load::numbers::float;
use serde::{Deserialize, Serialize};

use super::{replicas, times};
use crate::cluster::Service;
use crate::measure::{PortSample, PortsSeen, Work};

/// Responses of a path that are needed before anything is concluded from it: with fewer, the median is too often
/// outside all of them.
pub(super) const ENOUGH: usize = 5;
/// A wait below this share of the work is no queue: a replica that is busy half the time has those.
const A_QUEUE: f64 = 0.5;
/// Round trips below this are no queue, whatever the work takes: a network and a busy machine make those as well.
const A_WAIT_MS: f64 = 10.0;
/// What rng and hasher work on a request, in the original and unless set otherwise.
const NOMINAL_WORK_MS: f64 = 100.0;
/// A median is outside its interval, on either side, at most this often.
const OUTSIDE: f64 = 0.025;

/// The queue before one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueFindings {
    /// The service.
    pub service: String,
    /// Median round trip of the path without work, connecting included.
    pub answers_in_ms: f64,
    /// Median time in the queue: as the server reports it, else the round trip on a connection that is there.
    pub queue_ms: f64,
    /// Median time of the work: as the server reports it, else what the path with work takes longer, else (that
    /// path has fewer than five responses) the nominal 100 ms of rng and hasher.
    pub service_ms: Option<f64>,
    /// Requests that wait, over all replicas, on average.
    pub waiting: Option<f64>,
    /// What follows from it.
    pub queue: Queue,
}

/// Whether requests queue at a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// They do: the wait is longer than the work, beyond chance.
    Shown,
    /// They do not.
    Absent,
    /// The wait may be either.
    Undecided,
    /// Nothing is known that the wait could be held against.
    Unjudged,
}

/// A median, and the limits between which it is in 95 of 100 cases, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Median {
    low: f64,
    value: f64,
    high: f64,
}

/// The probes of one service.
struct Probes<'a> {
    /// Of paths without work, or, where there are none, of paths of which nothing is known.
    light: Vec<&'a PortSample>,
    heavy: Vec<&'a PortSample>,
    /// Whether a path with work is probed at all.
    has_heavy: bool,
    /// Whether the paths in `light` are known to be without work.
    is_free: bool,
}

/// What is known of one service's queue, once its path without work has responded often enough.
pub(super) fn queue(seen: &PortsSeen, name: &str) -> Option<QueueFindings> {
    let probes = Probes::of(seen, name);
    if probes.light.len() < ENOUGH {
        return None;
    }
    let answers = median(probes.light.iter().copied(), |sample| Some(sample.total_us))?;
    let reported = median(probes.all(), |sample| sample.queue_us);
    let wait = match reported {
        Some(wait) => wait,
        None => median(probes.light.iter().copied(), |sample| Some(sample.waited_us()))?,
    };
    let work = probes.work(name);
    let places = seen.places.get(name).map(|places| float((*places).into()));
    let service_ms = work.map(|work| work.value).filter(|work| *work > 0.0);
    let waiting = service_ms.zip(places).and_then(|(service_ms, places)| {
        // A probe waits for those before it and for half of the one in service, on average.
        let before = wait.value * places / service_ms - A_QUEUE;
        Some(before.max(0.0) * replicas(seen, name)?)
    });
    Some(QueueFindings {
        service: name.to_owned(),
        answers_in_ms: answers.value,
        queue_ms: wait.value,
        service_ms,
        waiting,
        queue: judged(wait, reported.is_some(), work, places),
    })
}

/// Holds the wait against the work. One that the server reports has no noise of the network in it.
fn judged(wait: Median, is_reported: bool, work: Option<Median>, places: Option<f64>) -> Queue {
    let Some(work) = work else {
        return match is_reported && wait.low > A_WAIT_MS {
            true => Queue::Shown,
            false => Queue::Unjudged,
        };
    };
    // Of a server that does not report how many requests it works on at a time, the most cautious number.
    let at_a_time = places.unwrap_or(1.0);
    let noise = if is_reported { 0.0 } else { A_WAIT_MS };
    let (least, most) = (work.low / at_a_time, work.high / at_a_time);
    let all_below = if places.is_some() { least } else { least * A_QUEUE };
    if wait.low >= most.max(noise) {
        Queue::Shown
    } else if wait.value < least * A_QUEUE || wait.high < all_below {
        Queue::Absent
    } else {
        Queue::Undecided
    }
}

impl<'a> Probes<'a> {
    fn of(seen: &'a PortsSeen, name: &str) -> Self {
        let own = || seen.ports.iter().filter(move |probed| probed.port.service == name);
        let samples = |work: Work| -> Vec<&PortSample> {
            own().filter(|probed| probed.port.work == work).flat_map(|p| &p.samples).collect()
        };
        let has = |work: Work| own().any(|probed| probed.port.work == work);
        let is_free = has(Work::None);
        let light = samples(if is_free { Work::None } else { Work::Unknown });
        Self { light, heavy: samples(Work::Full), has_heavy: has(Work::Full), is_free }
    }

    fn all(&self) -> impl Iterator<Item = &'a PortSample> {
        self.light.iter().chain(&self.heavy).copied()
    }

    /// How long the work takes: as the server reports it, else as the difference of the paths, else the nominal time.
    fn work(&self, name: &str) -> Option<Median> {
        let reported = median(self.heavy.iter().copied(), |sample| sample.service_us)
            .or_else(|| median(self.light.iter().copied(), |sample| sample.service_us));
        if let Some(reported) = reported.filter(|work| work.value > 0.0) {
            return Some(reported);
        }
        let has_nominal = [Service::Rng, Service::Hasher].iter().any(|app| app.name() == name);
        match (self.is_free, self.has_heavy) {
            (true, true) if self.heavy.len() >= ENOUGH => self.difference(),
            // Not probed, or, where the probing was interrupted, not often enough.
            (true, _) if has_nominal => Some(Median::exactly(NOMINAL_WORK_MS)),
            _ => None,
        }
    }

    /// What the paths with work take longer. Where a queue is long, its scatter is more than the work, and the
    /// difference shows little: then the work is taken to be the nominal one at least.
    fn difference(&self) -> Option<Median> {
        let total = |samples: &[&'a PortSample]| {
            median(samples.iter().copied(), |sample| Some(sample.total_us))
        };
        let (light, heavy) = (total(&self.light)?, total(&self.heavy)?);
        let value = heavy.value - light.value;
        // The errors of the two are independent, so their squares add up.
        let low = value - (heavy.value - heavy.low).hypot(light.high - light.value);
        let high = value + (heavy.high - heavy.value).hypot(light.value - light.low);
        let high = if low > 0.0 { high } else { high.max(NOMINAL_WORK_MS) };
        Some(Median { low, value, high })
    }
}

impl Median {
    fn exactly(value: f64) -> Self {
        Self { low: value, value, high: value }
    }
}

fn median<'a>(
    samples: impl IntoIterator<Item = &'a PortSample>,
    of: fn(&PortSample) -> Option<u64>,
) -> Option<Median> {
    let mut values = times(samples, of);
    let value = load::numbers::median(&mut values)?;
    let outside = outside(values.len());
    Some(Median { low: values[outside], value, high: values[values.len() - 1 - outside] })
}

/// How many of `count` values in order are outside the interval of their median, at either end: the median of what
/// they were drawn from is beyond a value of rank r with the probability that fewer than r of `count` coins fall
/// heads (the sign test). Of fewer than six values the interval is all of them.
fn outside(count: usize) -> usize {
    let count = float(count as u64);
    // Of no heads at all; logarithms, since it is far below what a float holds.
    let mut logarithm = -count * std::f64::consts::LN_2;
    let (mut probability, mut heads) = (logarithm.exp(), 0_u32);
    while probability <= OUTSIDE {
        logarithm += ((count - f64::from(heads)) / f64::from(heads + 1)).ln();
        heads += 1;
        probability += logarithm.exp();
    }
    heads.saturating_sub(1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranks of the interval of a median at 95 %, as tables of the sign test have them.
    #[test]
    fn ranks_are_those_of_the_tables() {
        for (count, rank) in
            [(1, 1), (5, 1), (6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (20, 6), (25, 8), (100, 40)]
        {
            assert_eq!(outside(count) + 1, rank, "of {count}");
        }
        assert!((4_890..=4_905).contains(&outside(10_000)), "{}", outside(10_000));
    }
}
