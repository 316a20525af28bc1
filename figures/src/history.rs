//! What the workers reported, several times a second, and what can be read off it afterwards.
//! The reading is pure; times are seconds since the history began.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bench::http::Client;
use observation::{Counts, Observation};
use tokio::time::{Instant, MissedTickBehavior};

use crate::app;
use crate::stats::{float, mean, slope};

const PERIOD: Duration = Duration::from_millis(100);
/// The window in which a replica's share is counted.
const SHARE_WINDOW: f64 = 1.0;
/// A rate is back when the next so many seconds bring `RECOVERED` of it.
const RECOVERY_WINDOW: f64 = 3.0;
const RECOVERED: f64 = 0.95;
/// Seconds over which the level before and after a fault is averaged: a counter that workers add
/// to in turns is a staircase.
const LEVEL_WINDOW: f64 = 5.0;

/// One look at the reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) at: f64,
    pub(crate) loops: f64,
    pub(crate) rng: Counts,
    /// Of each worker, by its id.
    pub(crate) errors: BTreeMap<String, Counts>,
}

/// Looks in the order they were taken.
#[derive(Debug)]
pub(crate) struct History {
    webui: Client,
    begin: Instant,
    looks: Vec<Look>,
}

/// What a fault cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loss {
    /// Hashes per second before.
    pub(crate) before: f64,
    /// Seconds until the rate was back.
    pub(crate) recovered_after: f64,
    /// Hashes that were not made until then.
    pub(crate) hashes: f64,
}

impl History {
    pub(crate) fn of(webui: SocketAddr) -> Self {
        Self { webui: Client::new(webui), begin: Instant::now(), looks: Vec::new() }
    }

    pub(crate) fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// A moment in this history's time.
    pub(crate) fn time(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.begin).as_secs_f64()
    }

    /// Keeps looking while `work` is done.
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = ticks.tick() => self.look().await,
            }
        }
    }

    async fn look(&mut self) {
        // A look that fails is a gap, which every reading below bridges.
        if let Ok(seen) = app::observe(&mut self.webui).await {
            self.looks.push(Look::of(seen, self.begin.elapsed().as_secs_f64()));
        }
    }
}

impl Look {
    fn of(seen: Observation, at: f64) -> Self {
        let errors = seen.workers.into_iter().map(|report| (report.id, report.totals.errors));
        Self {
            at,
            loops: float(seen.merged.loops),
            rng: seen.merged.rng_replicas,
            errors: errors.collect(),
        }
    }

    fn requests(&self, replica: &str) -> u64 {
        self.rng.get(replica).copied().unwrap_or(0)
    }
}

/// Seconds from `ready` to the beginning of the first second in which `replica` gave `share` of the
/// answers.
pub(crate) fn share_after(looks: &[Look], replica: &str, ready: f64, share: f64) -> Option<f64> {
    let has_share = |then: &&Look| {
        let end = looks.iter().find(|look| look.at >= then.at + SHARE_WINDOW);
        end.is_some_and(|look| {
            let own = float(look.requests(replica).saturating_sub(then.requests(replica)));
            let sum = |look: &Look| look.rng.values().sum::<u64>();
            let all = float(sum(look).saturating_sub(sum(then)));
            all > 0.0 && own / all >= share
        })
    };
    looks.iter().filter(|look| look.at >= ready).find(has_share).map(|look| look.at - ready)
}

/// Seconds from `ready` until the first answer of `replica` was reported.
pub(crate) fn first_answer_after(looks: &[Look], replica: &str, ready: f64) -> Option<f64> {
    let before = looks.iter().rev().find(|look| look.at <= ready)?.requests(replica);
    let mut later = looks.iter().filter(|look| look.at > ready);
    later.find(|look| look.requests(replica) > before).map(|look| look.at - ready)
}

/// What was lost after `fault`, against the rate from `steady` to then.
pub(crate) fn loss(looks: &[Look], steady: f64, fault: f64) -> Option<Loss> {
    let calm: Vec<_> = within(looks, steady, fault).map(|look| (look.at, look.loops)).collect();
    let before = slope(&calm);
    let is_back = |look: &&Look| {
        let later = looks.iter().find(|later| later.at >= look.at + RECOVERY_WINDOW);
        later.is_some_and(|later| {
            (later.loops - look.loops) / (later.at - look.at) >= RECOVERED * before
        })
    };
    let recovered = looks.iter().filter(|look| look.at >= fault).find(is_back)?.at;
    // How far the count is behind where it would be at the old rate, on average over a while.
    let behind = |from, until| mean(within(looks, from, until).map(|l| before * l.at - l.loops));
    let hashes = behind(recovered, recovered + LEVEL_WINDOW) - behind(fault - LEVEL_WINDOW, fault);
    hashes.is_finite().then_some(Loss { before, recovered_after: recovered - fault, hashes })
}

/// Failures between two moments: by kind, and the most that one worker had.
pub(crate) fn failures(looks: &[Look], from: f64, until: f64) -> (Counts, u64) {
    let (mut kinds, mut most) = (Counts::new(), 0);
    let at = |time: f64| looks.iter().rev().find(|look| look.at <= time);
    let Some((then, now)) = at(from).zip(at(until)) else { return (kinds, most) };
    for (id, counts) in &now.errors {
        let mut of_worker = 0;
        for (kind, count) in counts {
            let before = then.errors.get(id).and_then(|counts| counts.get(kind)).unwrap_or(&0);
            let more = count.saturating_sub(*before);
            if more > 0 {
                *kinds.entry(kind.clone()).or_default() += more;
                of_worker += more;
            }
        }
        most = most.max(of_worker);
    }
    (kinds, most)
}

fn within(looks: &[Look], from: f64, until: f64) -> impl Iterator<Item = &Look> {
    looks.iter().filter(move |look| (from..=until).contains(&look.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten looks a second of an app whose count at a time is `loops`.
    fn looks(seconds: u32, loops: impl Fn(f64) -> f64) -> Vec<Look> {
        let times = (0..seconds * 10).map(|tick| f64::from(tick) / 10.0);
        times.map(|at| Look { at, loops: loops(at), ..Look::default() }).collect()
    }

    #[test]
    fn a_second_of_standstill_costs_a_second() {
        let looks = looks(40, |at| 20.0 * (at.min(20.0) + (at - 21.0).max(0.0)));
        let loss = loss(&looks, 5.0, 20.0).unwrap();
        assert!((loss.before - 20.0).abs() < 1e-6, "{loss:?}");
        assert!((loss.hashes - 20.0).abs() < 4.0, "{loss:?}");
        assert!((0.5..=1.1).contains(&loss.recovered_after), "{loss:?}");
    }

    #[test]
    fn without_a_fault_nothing_is_lost() {
        let loss = loss(&looks(40, |at| (20.0 * at).floor()), 5.0, 20.0).unwrap();
        assert!(loss.hashes.abs() < 0.5 && loss.recovered_after < 0.2, "{loss:?}");
        assert_eq!(super::loss(&looks(40, |at| 20.0 * at.min(20.0)), 5.0, 20.0), None);
    }

    #[test]
    fn a_share_begins_with_the_second_that_has_it() {
        let mut looks = looks(10, |_| 0.0);
        for look in &mut looks {
            // Ten requests a second each, the second replica from second 5 on.
            let at = look.at;
            let answered =
                |since: f64| (0..100).filter(|n| since + f64::from(*n) / 10.0 < at).count() as u64;
            let (one, two) = (answered(0.0), answered(5.0));
            look.rng = Counts::from([("rng.1".into(), one), ("rng.2".into(), two)]);
        }
        let after = share_after(&looks, "rng.2", 4.0, 0.45).unwrap();
        assert!((0.7..=1.0).contains(&after), "{after}");
        let first = first_answer_after(&looks, "rng.2", 4.0).unwrap();
        assert!((1.0..=1.2).contains(&first), "{first}");
        assert_eq!(share_after(&looks, "rng.3", 4.0, 0.45), None);
    }

    #[test]
    fn failures_are_counted_by_kind_and_by_worker() {
        let mut looks = looks(2, |_| 0.0);
        for look in looks.iter_mut().filter(|look| look.at > 1.0) {
            look.errors.insert("a".into(), Counts::from([("rng: reset".into(), 1)]));
            look.errors.insert("b".into(), Counts::from([("rng: reset".into(), 2)]));
        }
        let (kinds, most) = failures(&looks, 1.0, 2.0);
        assert_eq!((kinds["rng: reset"], most), (3, 2));
    }
}
