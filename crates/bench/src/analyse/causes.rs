//! Diagnoses beyond the service that limits: what is wrong with an app, or peculiar about it, and
//! what each of that costs. A cost is a difference of two simulations with the same chance: the
//! app as it was seen, and the same app without that one thing.

use std::cmp::Ordering;

use model::{Effort, Impossible, Policy, Scenario};
use observation::Stage as Part;

use super::Interval;
use super::concurrency::Difference;
use super::evidence::{Cause, CauseFindings, Spreading};
use super::scenario::{HASHER, NOMINAL_S, RNG, delay_s};
use super::seen::Seen;
use super::services::Known;
use super::verdict::counted;
use crate::cluster::Service;

/// What is longer than it should be by this factor is told,
const SLOW: f64 = 1.2;
/// as is Redis, and retrying, with this share of a loop that never waits in a queue,
const REDIS: f64 = 0.05;
const RETRY: f64 = 0.01;
/// and the network and late wake-ups with this share: on busy machines they take some hundredths.
const OVERHEAD: f64 = 0.15;
/// This share of it at one of the two services is most of it: on equal ways each has half.
const MOSTLY: f64 = 0.75;
/// A cost under this share of the rate is not worth a sentence of the verdict.
pub(super) const DEAR: f64 = 0.02;

/// What causes are looked for in.
pub(super) struct Evidence<'a> {
    pub(super) seen: &'a Seen<'a>,
    pub(super) known: &'a [Known<'a>; 2],
    /// The app in the model, where it can be modelled.
    pub(super) app: Option<&'a Scenario>,
    /// Its measured rate.
    pub(super) rate: Interval,
    pub(super) effort: Effort,
}

/// A diagnosis with the app as it would be without it.
struct Found {
    cause: Cause,
    /// Without the end that says what it costs.
    sentence: String,
    without: Without,
}

/// The app without a cause.
enum Without {
    /// A scenario of its own.
    App(Scenario),
    /// The same, but the app with it is better known from the measurement than from the model.
    Measured(Scenario),
    /// Nothing would be gained, or it is not known.
    Nothing,
}

/// All causes, the dearest first.
pub(super) fn causes(evidence: &Evidence<'_>) -> Vec<CauseFindings> {
    let mut found = Vec::new();
    for (stage, known) in evidence.known.iter().enumerate() {
        found.extend(evidence.stragglers(stage, known));
        found.extend(evidence.spreading(stage, known));
        found.extend(evidence.places(stage, known));
        found.extend(evidence.slow_service(stage, known));
    }
    found.extend(evidence.delays());
    let mut causes: Vec<_> = found.into_iter().map(|found| evidence.priced(found)).collect();
    let cost = |cause: &CauseFindings| cause.cost_hashes_per_second.map_or(0.0, |cost| cost.value);
    causes.sort_by(|a, b| cost(b).partial_cmp(&cost(a)).unwrap_or(Ordering::Equal));
    causes
}

impl Evidence<'_> {
    fn without(&self, change: impl FnOnce(&Scenario) -> Result<Scenario, Impossible>) -> Without {
        self.app.and_then(|app| change(app).ok()).map_or(Without::Nothing, Without::App)
    }

    fn priced(&self, Found { cause, sentence, without }: Found) -> CauseFindings {
        let cost = match (&without, self.app) {
            (Without::App(other), Some(app)) => {
                app.predict_gain(other, self.effort).ok().map(|gain| (gain.mean, gain.error()))
            }
            (Without::Measured(other), _) => other.predict(self.effort).ok().map(|then| {
                let half = (self.rate.high - self.rate.low) / 2.0;
                (then.mean - self.rate.value, then.error() + half)
            }),
            _ => None,
        };
        // What is no more than the noise of its own calculation costs nothing.
        let cost = cost.filter(|(gain, error)| gain > error);
        let cost_hashes_per_second = cost.map(|(value, error)| Interval {
            value,
            low: (value - error).max(0.0),
            high: value + error,
        });
        let sentence = match cost_hashes_per_second {
            Some(cost) if cost.value >= DEAR * self.rate.value => {
                format!("{sentence}; that costs {:.2} hashes/s", cost.value)
            }
            _ => sentence,
        };
        CauseFindings { cause, cost_hashes_per_second, sentence }
    }

    fn stragglers(&self, stage: usize, known: &Known<'_>) -> Vec<Found> {
        let service = known.seen.service;
        let others = known.others_service_s(known.seen.service_s().unwrap_or(0.0)) * 1000.0;
        let slow = (0..).zip(&known.seen.replicas);
        let slow = slow.filter(|(_, (name, _))| known.stragglers.contains(&name.as_str()));
        let found = slow.map(|(index, (name, replica))| Found {
            cause: Cause::Straggler { service, replica: name.clone() },
            sentence: format!(
                "{name} takes {:.0} ms for a request, the other {} replicas {others:.0} ms",
                replica.service_s().unwrap_or(0.0) * 1000.0,
                service.name(),
            ),
            without: self.without(|app| {
                let typical = app.stages()[stage].typical().clone();
                app.clone().with_stage(stage, |s| s.with_exception(index, Some(typical)))
            }),
        });
        found.collect()
    }

    fn spreading(&self, stage: usize, known: &Known<'_>) -> Option<Found> {
        let seen = known.seen;
        let (service, name, idle) = (seen.service, seen.service.name(), seen.idle());
        let turns = |app: &Scenario| {
            app.clone().with_stage(stage, |stage| Ok(stage.with_policy(Policy::RoundRobin)))
        };
        let measured = || match self.without(turns) {
            Without::App(app) => Without::Measured(app),
            other => other,
        };
        Some(match known.spreading? {
            Spreading::Stale if seen.is_dead() => Found {
                cause: Cause::Dead { service, replicas: idle },
                sentence: format!(
                    "{idle} of {} {name} replicas never answered, and {} failed",
                    seen.count(),
                    counted(seen.failures, "request")
                ),
                without: self.without(|app| {
                    let whole = app.clone().with_stage(stage, |s| Ok(s.without_exceptions()))?;
                    self.sooner(&whole, self.seen.per_loop_s(Part::Retry))
                }),
            },
            Spreading::Stale => Found {
                cause: Cause::Stale { service, replicas: idle },
                sentence: format!(
                    "{idle} of {} {name} replicas are never asked: the workers' connections are older \
                     than these, so restart the workers",
                    seen.count()
                ),
                without: self.without(turns),
            },
            Spreading::Pinned => Found {
                cause: Cause::Pinned { service },
                sentence: match idle {
                    0 => {
                        format!("each worker asks one {name} replica only, over a kept connection")
                    }
                    idle => format!(
                        "each worker asks one {name} replica only, over a kept connection, and {idle} \
                         of {} get nothing",
                        seen.count()
                    ),
                },
                without: measured(),
            },
            Spreading::Uneven => Found {
                cause: Cause::Uneven { service },
                sentence: format!("requests to {name} are spread more unevenly than chance has it"),
                without: measured(),
            },
            Spreading::Random => Found {
                cause: Cause::Random { service },
                sentence: format!("requests to {name} are spread at random, not in turn"),
                without: self.without(turns),
            },
            Spreading::InTurn | Spreading::ByLoad => return None,
        })
    }

    fn places(&self, stage: usize, known: &Known<'_>) -> Option<Found> {
        let service = known.seen.service;
        let declared = known.seen.station.and_then(|station| station.concurrency);
        let declared = declared.and_then(std::num::NonZeroU32::new);
        let (cause, mends) = match known.concurrency.difference {
            Difference::None => return None,
            Difference::More => (Cause::Threaded { service }, false),
            Difference::Fewer => (Cause::Capped { service }, true),
            Difference::Late => (Cause::Starved { service }, true),
        };
        let as_it_says = |app: &Scenario| {
            let of = &app.stages()[stage];
            let service = known.seen.service_s().unwrap_or(0.0);
            let typical = of.typical();
            let scale = known.others_service_s(service) / typical.service.mean().get();
            let (name, count, policy) = (of.name(), of.replicas(), of.policy());
            let places = declared.unwrap_or(typical.places);
            let replica = model::Replica { places, service: typical.service.scaled(scale)? };
            let mended = model::Stage::new(name, count, replica).with_policy(policy);
            app.clone().with_stage(stage, |_| Ok(mended))
        };
        let without = if mends { self.without(as_it_says) } else { Without::Nothing };
        Some(Found { cause, sentence: known.concurrency.findings.sentence.clone(), without })
    }

    fn slow_service(&self, stage: usize, known: &Known<'_>) -> Option<Found> {
        let service = known.seen.service;
        let seen_s = known.others_service_s(known.seen.service_s()?);
        let set_s = known.seen.station.and_then(|station| station.service_time_ms);
        let set_s = set_s.map(|milliseconds| milliseconds / 1000.0);
        let (should_s, whose) = match set_s {
            Some(set) if seen_s > SLOW * set => (set, "it is set to"),
            _ if seen_s > SLOW * NOMINAL_S => (NOMINAL_S, "in the original app"),
            _ => return None,
        };
        // One that is set to no time at all cannot be scaled to that.
        let factor = should_s.max(1e-4) / seen_s;
        Some(Found {
            cause: Cause::SlowService { service },
            sentence: format!(
                "{} works {:.0} ms on a request, {:.0} ms {whose}",
                service.name(),
                seen_s * 1000.0,
                should_s * 1000.0
            ),
            without: self
                .without(|app| app.clone().with_stage(stage, |stage| stage.scaled(factor))),
        })
    }

    /// What a loop spends neither in a queue nor in service.
    fn delays(&self) -> Vec<Found> {
        let seen = self.seen;
        let waits = seen.per_loop_s(Part::RngQueue) + seen.per_loop_s(Part::HasherQueue);
        let unhindered = seen.per_loop_s(Part::Loop) - waits;
        let part = |seconds: f64, least: f64| unhindered > 0.0 && seconds > least * unhindered;
        let delay = |cause, seconds: f64, sentence| {
            let without = self.without(|app| self.sooner(app, seconds));
            Found { cause, sentence, without }
        };
        let mut found = Vec::new();
        let redis = seen.per_loop_s(Part::Redis);
        if part(redis, REDIS) {
            found.push(delay(Cause::SlowRedis, redis, of_loop("Redis takes", redis, unhindered)));
        }
        let think = seen.per_loop_s(Part::Think);
        if think > SLOW * NOMINAL_S {
            let sentence = format!(
                "a worker waits {:.0} ms in each loop, {:.0} ms in the original app",
                think * 1000.0,
                NOMINAL_S * 1000.0
            );
            found.push(delay(Cause::LongThink, think - NOMINAL_S, sentence));
        }
        let retry = seen.per_loop_s(Part::Retry);
        let failing = seen.services().into_iter().max_by_key(|service| service.failures);
        if let Some(service) = failing.filter(|s| s.failures > 0 && !s.is_dead())
            && part(retry, RETRY)
        {
            let what = format!("requests to {} fail; repeating them takes", service.service.name());
            let cause = Cause::Failing { service: service.service };
            found.push(delay(cause, retry, of_loop(&what, retry, unhindered)));
        }
        let overhead = self.overhead_s();
        if part(overhead, OVERHEAD) {
            let what = "the network, or being late as when the processor is short, takes";
            let sentence = of_loop(what, overhead, unhindered) + &self.where_late(overhead);
            found.push(delay(Cause::Overhead, overhead, sentence));
        }
        found
    }

    /// The end of the sentence about the overhead: at which service or replicas most of it is.
    fn where_late(&self, overhead_s: f64) -> String {
        let most = |known: &&Known<'_>| {
            known.seen.unexplained_s().is_some_and(|seconds| seconds > MOSTLY * overhead_s)
        };
        match self.known.iter().find(most) {
            None => String::new(),
            Some(known) if known.late.is_empty() => {
                format!(", most of it at {}", known.seen.service.name())
            }
            Some(known) => format!(", most of it at {}", known.late.join(", ")),
        }
    }

    /// Time per loop that is at a service but neither in its queue nor in its work, of services that
    /// are not themselves known to be late.
    fn overhead_s(&self) -> f64 {
        let prompt = self.known.iter().filter(|k| k.concurrency.difference != Difference::Late);
        prompt.filter_map(|known| known.seen.unexplained_s()).sum()
    }

    /// The app with so much less of pure delay in each loop.
    fn sooner(&self, app: &Scenario, by_s: f64) -> Result<Scenario, Impossible> {
        let delay = delay_s(self.seen, self.known);
        let left = ((delay - by_s) / delay).max(1e-6);
        app.clone().with_think(app.think().scaled(left)?)
    }
}

fn of_loop(what: &str, seconds: f64, unhindered: f64) -> String {
    format!("{what} {:.0} ms of a loop of {:.0} ms without queues", seconds * 1e3, unhindered * 1e3)
}

/// Which stage of the model a service is.
pub(super) fn stage_of(service: Service) -> Option<usize> {
    match service {
        Service::Rng => Some(RNG),
        Service::Hasher => Some(HASHER),
        Service::Worker | Service::Webui => None,
    }
}

/// What the way of spreading costs, for each service of the model, as the causes have it.
pub(super) fn balancing_cost(known: &Known<'_>, causes: &[CauseFindings]) -> Option<Interval> {
    let service = known.seen.service;
    if matches!(known.spreading?, Spreading::InTurn | Spreading::ByLoad) {
        return Some(Interval { value: 0.0, low: 0.0, high: 0.0 });
    }
    let own = |cause: &&CauseFindings| {
        matches!(
            &cause.cause,
            Cause::Stale { service: of, .. } | Cause::Pinned { service: of }
                | Cause::Random { service: of } | Cause::Uneven { service: of } if *of == service
        )
    };
    let found = causes.iter().find(own)?;
    let none = Interval { value: 0.0, low: 0.0, high: 0.0 };
    Some(found.cost_hashes_per_second.unwrap_or(none))
}
