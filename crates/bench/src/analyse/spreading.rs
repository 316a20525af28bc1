//! How requests look to be spread over the replicas of a service, by each worker's own counts.
//!
//! Under a random choice the counts of a worker are multinomial, and the sum of (count − even
//! share)² / even share over its replicas is a chi-square (Pearson 1900). Less than chance would
//! have it means taking turns, more means that something makes replicas differ.

use std::num::NonZeroU32;

use load::numbers::float;
use model::Policy;

use super::evidence::Spreading;
use super::seen::ServiceSeen;

/// So many requests for each replica are needed for an opinion.
const ENOUGH: f64 = 10.0;
/// So many standard deviations from chance are none: once in 2,000 windows.
const BEYOND_CHANCE: f64 = 3.5;
/// Idle replicas that chance leaves idle less often than this have other reasons.
const RARELY: f64 = 0.01;
/// A replica that takes this much longer and gets that much less is avoided.
const SLOWER: f64 = 1.1;
/// Differences of shares below this share of an even one are not told.
const MATTERS: f64 = 0.1;

/// How requests look to be spread; `None` with one replica, or too few requests to tell. `declared` is
/// what workers say they do.
pub(super) fn spreading(seen: &ServiceSeen<'_>, declared: Policy) -> Option<Spreading> {
    let count = f64::from(seen.count());
    if seen.count() < 2 || float(seen.requests()) < ENOUGH * count {
        return None;
    }
    if in_turn(seen, declared) {
        return Some(Spreading::InTurn);
    }
    let shared = declared == Policy::SharedRoundRobin;
    if shared && seen.idle() == 0 && is_even(seen) {
        // Connections are dealt out in turn, and workers that go round in step meet the same one.
        return Some(Spreading::InTurn);
    }
    let (pinned, idle) = (is_pinned(seen), seen.idle() > 0);
    match (pinned, idle) {
        (true, true) if idle_by_chance(seen) > RARELY => return Some(Spreading::Pinned),
        (_, true) => return Some(Spreading::Stale),
        (true, false) => return Some(Spreading::Pinned),
        (false, false) => {}
    }
    let off = beyond_chance(seen);
    Some(match off {
        off if off < -BEYOND_CHANCE => Spreading::InTurn,
        off if off <= BEYOND_CHANCE => Spreading::Random,
        _ if avoids_the_slow(seen) => Spreading::ByLoad,
        _ => Spreading::Uneven,
    })
}

/// The same for the model. `declared` is what workers say they do.
pub(super) fn policy(
    seen: &ServiceSeen<'_>,
    spreading: Option<Spreading>,
    declared: Policy,
) -> Policy {
    let asked = u32::try_from(seen.replicas.len()).ok().and_then(NonZeroU32::new);
    match (spreading, declared) {
        (None | Some(Spreading::Uneven), declared) => declared,
        // Who is free gets the next one: with nobody slow that is in turn.
        (
            Some(Spreading::InTurn | Spreading::ByLoad),
            Policy::LeastOutstanding | Policy::SharedRoundRobin,
        ) => declared,
        (Some(Spreading::InTurn), _) => Policy::RoundRobin,
        (Some(Spreading::Random), _) => Policy::Random,
        (Some(Spreading::Pinned), _) => Policy::Sticky,
        // Requests that failed went to those that did not answer: what answered, did so in turn.
        (Some(Spreading::Stale), declared) if seen.is_dead() => declared,
        (Some(Spreading::Stale), _) => asked.map_or(declared, Policy::Stale),
        (Some(Spreading::ByLoad), _) => Policy::SharedLeastOutstanding,
    }
}

/// Whether every worker goes round: chance would have made larger differences, or it says so and
/// nothing speaks against it.
fn in_turn(seen: &ServiceSeen<'_>, declared: Policy) -> bool {
    let takes_turns = matches!(
        declared,
        Policy::RoundRobin | Policy::LeastOutstanding | Policy::SharedRoundRobin
    );
    let off = beyond_chance(seen);
    seen.idle() == 0 && (off < -BEYOND_CHANCE || takes_turns && off < 1.0 && differs_by_turns(seen))
}

/// Whether counts of every worker differ by one at most, and by one more for each loop it runs at a
/// time, whose answers may overtake each other, and for each failure.
fn differs_by_turns(seen: &ServiceSeen<'_>) -> bool {
    seen.by_worker.iter().filter(|(counts, _)| !counts.is_empty()).all(|(counts, loops)| {
        let most = counts.values().max().copied().unwrap_or(0);
        let all = counts.len() == seen.replicas.len();
        let least = counts.values().min().copied().filter(|_| all).unwrap_or(0);
        most - least <= 1 + u64::from(*loops) + seen.failures
    })
}

/// Whether all replicas together were used as evenly as turns would have it.
fn is_even(seen: &ServiceSeen<'_>) -> bool {
    let even = float(seen.requests()) / float(seen.count().into());
    // Each worker's window begins and ends at another moment, within a turn of all.
    let edges = 2.0 * float(seen.by_worker.len() as u64);
    seen.replicas.values().all(|replica| {
        (float(replica.requests) - even).abs() <= (MATTERS / 2.0 * even).max(edges.min(even / 5.0))
    })
}

/// Whether every worker asked one replica only, often enough to be sure that it was no chance.
fn is_pinned(seen: &ServiceSeen<'_>) -> bool {
    let even = 1.0 / float(seen.count().into());
    let often = |(counts, loops): &(_, u32)| {
        let counts: &observation::Counts = counts;
        let asked: u64 = counts.values().sum();
        // A process of several loops may have a connection for each.
        counts.len() == 1 && *loops == 1 && even.powf(float(asked.saturating_sub(1))) < RARELY
    };
    !seen.by_worker.is_empty() && seen.by_worker.iter().all(often)
}

/// How likely it is that so many workers, each pinned to a random replica, leave so many idle, or a
/// little more than that: every choice of idle replicas, counted by itself.
fn idle_by_chance(seen: &ServiceSeen<'_>) -> f64 {
    let (count, idle) = (float(seen.count().into()), float(seen.idle().into()));
    let workers = float(seen.by_worker.len() as u64);
    let choices: f64 =
        (1..=seen.idle()).map(|n| (count - idle + f64::from(n)) / f64::from(n)).product();
    choices * ((count - idle) / count).powf(workers)
}

/// How much more counts differ than chance has it, in standard deviations: the chi-squares of all
/// workers, added up, as a normal by its cube root (Wilson and Hilferty 1931).
fn beyond_chance(seen: &ServiceSeen<'_>) -> f64 {
    let replicas = float(seen.count().into());
    let (mut chi_square, mut freedom) = (0.0, 0.0);
    for (counts, _) in &seen.by_worker {
        let even = float(counts.values().sum()) / replicas;
        if even < 1.0 {
            continue;
        }
        let missing = replicas - float(counts.len() as u64);
        let squares: f64 = counts.values().map(|count| (float(*count) - even).powi(2)).sum();
        chi_square += squares / even + missing * even;
        freedom += replicas - 1.0;
    }
    if freedom <= 0.0 {
        return 0.0;
    }
    let shrink = 2.0 / (9.0 * freedom);
    ((chi_square / freedom).cbrt() - (1.0 - shrink)) / shrink.sqrt()
}

/// Whether the slowest replica gets clearly less than an even share.
fn avoids_the_slow(seen: &ServiceSeen<'_>) -> bool {
    let Some(typical) = super::services::typical_service_s(seen) else { return false };
    let even = float(seen.requests()) / float(seen.count().into());
    let mut slow = seen
        .replicas
        .values()
        .filter(|replica| replica.service_s().is_some_and(|time| time > SLOWER * typical))
        .peekable();
    slow.peek().is_some() && slow.all(|replica| float(replica.requests) < (1.0 - MATTERS) * even)
}
