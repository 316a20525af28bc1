//! rng and hasher, replica by replica: how each was used, which one differs from the others, and how
//! much of that chance explains.

use std::collections::BTreeMap;

use load::numbers::{float, median};
use model::Policy;

use super::Interval;
use super::concurrency::{Concurrency, Places};
use super::evidence::{
    BalancingFindings, ReplicaFindings, ReplicaState, ServiceFindings, Spreading,
};
use super::lateness::late_replicas;
use super::seen::{ReplicaSeen, Seen, ServiceSeen};
use super::spreading::{self, spreading};

/// A replica differs from the others by this share at least, or it is not worth telling,
const MATTERS: f64 = 0.1;
/// and by so many standard errors, so that chance makes no stragglers: once in 30,000 replicas.
const BEYOND_CHANCE: f64 = 4.0;
/// The median scatters more than the mean, by the root of this, for normal values.
const MEDIAN: f64 = std::f64::consts::FRAC_PI_2;

/// A service as it was seen, with what follows from that.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) seen: &'a ServiceSeen<'a>,
    pub(super) concurrency: Concurrency,
    pub(super) spreading: Option<Spreading>,
    /// For the model.
    pub(super) policy: Policy,
    pub(super) stragglers: Vec<&'a str>,
    /// Replicas whose answers take longer than they say.
    pub(super) late: Vec<&'a str>,
}

impl<'a> Known<'a> {
    /// What a window shows of a service. `declared` is what workers say they do.
    pub(super) fn of(seen: &'a ServiceSeen<'a>, declared: Policy) -> Self {
        let spreading = spreading(seen, declared);
        let policy = spreading::policy(seen, spreading, declared);
        let stragglers = stragglers(seen);
        let (concurrency, late) = (Concurrency::of(seen), late_replicas(seen));
        Self { seen, concurrency, spreading, policy, stragglers, late }
    }

    /// Replicas that get requests.
    pub(super) fn asked(&self) -> u32 {
        self.seen.count() - self.seen.idle()
    }

    /// What the service could answer at most, as its replicas were used, times its mean service
    /// time: the places in use at the limit. `None` where it has none, or tells none.
    pub(super) fn places_at_limit(&self) -> Option<f64> {
        let Places::Of { number, stretch } = self.concurrency.places else { return None };
        let places = f64::from(number.get()) / stretch;
        let pooled = self.seen.service_s()?;
        let asked = f64::from(self.asked());
        let slow = |name: &str| self.stragglers.contains(&name);
        let replicas = self.seen.replicas.iter().map(|(name, replica)| {
            let share = float(replica.requests) / float(self.seen.requests().max(1));
            let service = replica.service_s().unwrap_or(pooled);
            (share, if slow(name) { service } else { self.others_service_s(pooled) })
        });
        let capacity = match self.spreading {
            // Who is free gets the next: all are used.
            Some(Spreading::ByLoad) => replicas.map(|(_, service)| places / service).sum(),
            // The one that is busiest at these shares ends it for all.
            Some(Spreading::Uneven | Spreading::Pinned | Spreading::Stale) => replicas
                .map(|(share, service)| places / service / share)
                .fold(f64::INFINITY, f64::min),
            Some(Spreading::InTurn | Spreading::Random) | None => {
                replicas.map(|(_, service)| asked * places / service).fold(f64::INFINITY, f64::min)
            }
        };
        Some(if capacity.is_finite() { capacity * pooled } else { asked * places })
    }

    /// Mean service time without stragglers, in seconds.
    pub(super) fn others_service_s(&self, pooled: f64) -> f64 {
        let others = self.seen.replicas.iter().filter(|(n, _)| !self.stragglers.contains(&&***n));
        let (mut told, mut sum) = (0, 0);
        for (_, replica) in others {
            told += replica.times.told;
            sum += replica.times.service_us;
        }
        if told > 0 && sum > 0 { float(sum) / float(told) / 1e6 } else { pooled }
    }

    /// The findings; `cost` is that of the way requests are spread, and `declared` what workers say.
    pub(super) fn findings(&self, declared: &[String], cost: Option<Interval>) -> ServiceFindings {
        let seen = self.seen;
        let replicas: BTreeMap<_, _> = seen
            .replicas
            .iter()
            .map(|(name, replica)| (name.clone(), self.replica(name, replica)))
            .collect();
        let balancing = self.spreading.map(|spreading| BalancingFindings {
            declared: declared.to_vec(),
            seen: spreading,
            cost_hashes_per_second: cost,
            sentence: self.spread_sentence(spreading, declared, cost),
        });
        let concurrency = self.concurrency.findings.clone();
        ServiceFindings { service: seen.service, replicas, concurrency, balancing }
    }

    fn replica(&self, name: &str, replica: &ReplicaSeen) -> ReplicaFindings {
        let share = float(replica.requests) / float(self.seen.requests().max(1));
        let even = 1.0 / f64::from(self.seen.count());
        let deviation = (even * (1.0 - even) / float(self.seen.requests().max(1))).sqrt();
        let off = (share - even) / deviation.max(f64::MIN_POSITIVE);
        let matters = (share / even - 1.0).abs() > MATTERS && off.abs() > BEYOND_CHANCE;
        let state = match matters {
            _ if self.stragglers.contains(&name) => ReplicaState::Straggler,
            true if share > even => ReplicaState::Crowded,
            true => ReplicaState::Spared,
            false => ReplicaState::Typical,
        };
        let utilisation = match (self.concurrency.places, replica.service_s()) {
            (Places::Of { number, stretch }, Some(service)) => {
                Some(replica.per_second * service * stretch / f64::from(number.get()))
            }
            _ => None,
        };
        ReplicaFindings {
            requests: replica.requests,
            share,
            service_ms: replica.service_s().map(|seconds| seconds * 1000.0),
            queue_ms: replica.queue_s().map(|seconds| seconds * 1000.0),
            utilisation,
            state,
        }
    }

    fn spread_sentence(
        &self,
        spreading: Spreading,
        declared: &[String],
        cost: Option<Interval>,
    ) -> String {
        let seen = self.seen;
        let (name, count) = (seen.service.name(), seen.count());
        let looks = match spreading {
            Spreading::InTurn => "in turn".to_owned(),
            Spreading::Random => "at random".to_owned(),
            Spreading::Uneven => "more unevenly than chance has it".to_owned(),
            Spreading::Pinned => "over kept connections: each worker asks one replica".to_owned(),
            Spreading::Stale if seen.is_dead() => {
                format!("over {} replicas: {} never answered", self.asked(), seen.idle())
            }
            Spreading::Stale => {
                format!("over {} replicas: {} were never asked", self.asked(), seen.idle())
            }
            Spreading::ByLoad => "by load: the slow get less".to_owned(),
        };
        let costs = match cost {
            Some(cost) if cost.value > 0.0 && cost.low > 0.0 => {
                format!("; that costs {:.2} hashes/s", cost.value)
            }
            _ => String::new(),
        };
        let say = declared.join(" and ");
        format!("{name}: requests to {count} replicas went {looks} (workers say {say}){costs}")
    }
}

/// Median of the replicas' mean service times, in seconds.
pub(super) fn typical_service_s(seen: &ServiceSeen<'_>) -> Option<f64> {
    let mut times: Vec<f64> = seen.replicas.values().filter_map(ReplicaSeen::service_s).collect();
    median(&mut times)
}

/// Replicas whose service takes longer than the median of the others, by more than chance: with a
/// scatter as large as that of all replicas together, which a straggler only makes larger.
fn stragglers<'a>(seen: &'a ServiceSeen<'_>) -> Vec<&'a str> {
    let scatter = scatter_s(seen);
    let is_slow = |(name, replica): &(&'a String, &ReplicaSeen)| {
        let Some(service) = replica.service_s() else { return false };
        let others = seen.replicas.iter().filter(|(other, _)| other != name);
        let (mut means, mut told): (Vec<f64>, u64) = (Vec::new(), 0);
        for (_, other) in others {
            means.extend(other.service_s());
            told += other.times.told;
        }
        let Some(typical) = median(&mut means) else { return false };
        let error =
            scatter * (1.0 / float(replica.times.told.max(1)) + MEDIAN / float(told.max(1))).sqrt();
        service > (1.0 + MATTERS) * typical && service - typical > BEYOND_CHANCE * error
    };
    // With two, one being slow cannot be told from the other being fast: the slower is the straggler.
    seen.replicas.iter().filter(is_slow).map(|(name, _)| name.as_str()).collect()
}

/// Standard deviation of the service time over all requests, in seconds.
fn scatter_s(seen: &ServiceSeen<'_>) -> f64 {
    let Some(mean) = seen.work.mean_us() else { return 0.0 };
    let (mut squares, mut count) = (0.0, 0);
    for (microseconds, times) in seen.work.recorded_us() {
        squares += (float(microseconds) - mean).powi(2) * float(times);
        count += times;
    }
    // Without a histogram a service time is taken to scatter as an exponential one.
    if count == 0 { mean / 1e6 } else { (squares / float(count)).sqrt() / 1e6 }
}

/// Both services with what follows from what was seen.
pub(super) fn known<'a>(seen: &'a Seen<'a>, declared: Policy) -> [Known<'a>; 2] {
    seen.services().map(|service| Known::of(service, declared))
}
