//! Time that is missing at a service: neither in a queue that it tells of nor in its work. The way
//! there takes it, then more workers help; or a replica stands still now and then, as without a
//! processor, and tells nothing of requests that arrive meanwhile. Then it is full, and looks idle.

use load::numbers::{float, median};

use super::concurrency::{Difference, Places};
use super::seen::{ReplicaSeen, ServiceSeen};
use super::services::Known;

/// Missing time is worth telling from this share of the service time on.
const MATTERS: f64 = 0.2;
/// A replica is late when more is missing at it than at the others by this factor,
const BEYOND: f64 = 3.0;
/// of so many answers at least.
const ANSWERS: u64 = 30;
/// A replica that would be busy to this share if the missing time were its own may be the limit.
const FULL: f64 = 0.85;
/// This share of the requests has the least missing time,
const QUICKEST: f64 = 0.1;
/// which on a long way is most of the mean, and at a replica that stands still is none.
const MOST: f64 = 0.5;

/// Replicas at which time is missing, and not at the others.
pub(super) fn late_replicas<'a>(seen: &'a ServiceSeen<'_>) -> Vec<&'a str> {
    let is_late = |(name, replica): &(&'a String, &ReplicaSeen)| {
        let others = seen.replicas.iter().filter(|(other, _)| other != name);
        let mut missing: Vec<f64> = others.filter_map(|(_, other)| other.missing_s()).collect();
        let (Some(own), Some(others)) = (replica.missing_s(), median(&mut missing)) else {
            return false;
        };
        let matters = MATTERS * replica.service_s().unwrap_or(0.0);
        replica.requests >= ANSWERS && own > BEYOND * others && own - others > matters
    };
    seen.replicas.iter().filter(is_late).map(|(name, _)| name.as_str()).collect()
}

/// Why it cannot be said that this service is not the limit, if it cannot.
pub(super) fn doubt(known: &Known<'_>) -> Option<String> {
    let seen = known.seen;
    let service = seen.service.name();
    let Places::Of { number, .. } = known.concurrency.places else { return None };
    let is_settled = known.concurrency.difference != Difference::None;
    let would_be_busy = |replica: &ReplicaSeen| {
        let taken = replica.service_s().unwrap_or(0.0) + replica.missing_s().unwrap_or(0.0);
        replica.per_second * taken / f64::from(number.get())
    };
    let busiest = |(name, replica): (&'_ String, &ReplicaSeen)| {
        let counts = known.late.is_empty() || known.late.contains(&name.as_str());
        (counts && would_be_busy(replica) > FULL).then_some((replica.missing_s()?, name.clone()))
    };
    let (missing_s, name) =
        seen.replicas.iter().filter_map(busiest).max_by(|a, b| a.0.total_cmp(&b.0))?;
    let is_varying = !known.late.is_empty() || varies(seen, missing_s);
    let matters = missing_s > MATTERS * seen.service_s()?;
    let who = if known.late.is_empty() { service } else { &name };
    (!is_settled && matters && is_varying).then(|| {
        format!(
            "answers of {who} take {:.0} ms longer than it says: if it stands still now and then, as \
             without a processor, it is the limit, and if its network is slow the workers are; see \
             what else runs on its node",
            missing_s * 1000.0
        )
    })
}

/// Whether some requests miss next to nothing, as none does on a long way.
fn varies(seen: &ServiceSeen<'_>, missing_s: f64) -> bool {
    let (residence, work) = (seen.residence.quantile_us(QUICKEST), seen.work.quantile_us(QUICKEST));
    residence.zip(work).is_some_and(|(residence, work)| {
        float(residence.saturating_sub(work)) / 1e6 < MOST * missing_s
    })
}
