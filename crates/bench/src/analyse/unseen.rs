//! What could not be seen of an app, and what it would take. The original app's services tell
//! nothing of themselves: of them the counter alone is known, and what follows from it.

use super::Interval;
use super::scenario::NOMINAL_S;
use super::seen::{Seen, ServiceSeen};
use crate::cluster::{Replicas, Service};

/// Requests at a time of the original's hasher, as far as the lesson goes.
const NOMINAL_HASHER: f64 = super::scenario::NOMINAL_HASHER as f64;
/// Rates this close to a bound are taken to be at it.
const AT_IT: f64 = 0.05;

/// What could not be seen, a sentence each.
pub(super) fn unseen(seen: &Seen<'_>, rate: Interval) -> Vec<String> {
    let samples = seen.samples;
    if !samples.replicas.can_loop() {
        return Vec::new(); // there is nothing to see
    }
    if samples.first.workers.is_empty() && samples.last.workers.is_empty() {
        return without_reports(samples.replicas, rate);
    }
    let mut unseen: Vec<String> = seen.services().into_iter().flat_map(of_service).collect();
    if samples.moments.is_empty() {
        unseen.push(
            "how sure the verdict is and whether the app was steady: that takes a recording of the \
             workers' sums each second"
                .to_owned(),
        );
    }
    unseen
}

fn of_service(seen: &ServiceSeen<'_>) -> Vec<String> {
    let name = seen.service.name();
    let mut unseen = Vec::new();
    if seen.residence.count() > 0 && seen.work.count() == 0 {
        unseen.push(format!(
            "how long requests wait at {name} and how long it works on them: that takes answers with \
             Server-Timing, such as this project's {name} gives"
        ));
    }
    if seen.station.is_none() {
        unseen.push(format!(
            "how many requests {name} works on at a time: that takes a /health that tells, on a \
             published port"
        ));
    }
    if seen.residence.count() > 0 && seen.replicas.is_empty() {
        unseen.push(format!(
            "which replica of {name} answers: that takes answers with X-Replica, such as this \
             project's {name} gives"
        ));
    }
    unseen
}

/// All that the counter says by itself: its rate, and which limit of an app with the original's times
/// that would be.
fn without_reports(replicas: Replicas, rate: Interval) -> Vec<String> {
    let mut unseen = vec![
        "where the time of a loop goes, how requests are spread and what holds the app back: that \
         takes workers that send reports, such as this project's"
            .to_owned(),
        "where requests queue: bench probe, run beside it, sees that at the published ports"
            .to_owned(),
    ];
    let tenth = NOMINAL_S;
    let bounds = [
        (Service::Worker, f64::from(replicas.worker) / (3.0 * tenth)),
        (Service::Rng, f64::from(replicas.rng) / tenth),
        (Service::Hasher, f64::from(replicas.hasher) * NOMINAL_HASHER / tenth),
    ];
    let Some((service, bound)) = bounds.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)) else {
        return unseen;
    };
    let of = format!("{:.2} hashes/s are {:.0} % of the", rate.value, rate.value / bound * 100.0);
    let with = format!("{bound:.2} that an app with the original's times reaches at most");
    let by = match service {
        Service::Worker => "too few workers".to_owned(),
        other => other.name().to_owned(),
    };
    unseen.push(match (rate.value / bound - 1.0).abs() < AT_IT {
        true => {
            format!("whether its times are the original's: if so, {of} {with}, limited by {by}")
        }
        false => format!("why {of} {with}: its times, its replicas or its balance are others"),
    });
    unseen
}
