//! Waits until a scaled app really serves: the wanted replicas run, each worker has completed a
//! loop, each rng and hasher replica has answered one, and nobody else is left.

use std::time::Duration;

use observation::{Report, Totals};
use tokio::time::Instant;

use crate::cluster::{Cluster, Replicas, Service, Status};
use crate::failure::Failure;
use crate::measure::App;

const LOOK_PERIOD: Duration = Duration::from_millis(50);

/// Scales to `replicas` and waits until they serve; `watch` hears what is still missing. Says how
/// long it took.
///
/// # Errors
/// When the replicas do not serve within `timeout`, or the cluster is gone.
pub async fn settle(
    cluster: &mut Cluster,
    app: &mut App,
    replicas: Replicas,
    timeout: Duration,
    watch: &mut impl FnMut(&str),
) -> Result<Duration, Failure> {
    let begin = Instant::now();
    // Until webui has started there is nothing to compare with; then its first answer is.
    let mut before = app.observe_briefly().await.ok().map(|seen| seen.workers);
    cluster.scale(replicas).await?;
    loop {
        let status = cluster.status().await?;
        let missing = match unsettled(&status) {
            Some(missing) => Some(missing),
            None => match app.observe_briefly().await {
                Ok(seen) => {
                    let before = before.get_or_insert_with(|| seen.workers.clone());
                    not_served(&status, before, &seen.workers)
                }
                Err(error) => Some(format!("webui does not answer: {error}")),
            },
        };
        let Some(missing) = missing else {
            return Ok(begin.elapsed());
        };
        watch(&missing);
        if begin.elapsed() > timeout {
            return Err(Failure::NotSettled { after: timeout, missing });
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

/// Which services do not have exactly the wanted replicas.
fn unsettled(status: &Status) -> Option<String> {
    let unsettled = status.services.iter().filter(|service| !service.is_settled());
    let words = unsettled.map(|service| {
        let name = service.service.name();
        let leaving = match service.leaving {
            0 => String::new(),
            leaving => format!(", {leaving} leaving"),
        };
        let deaths = match &service.last_death {
            None => String::new(),
            Some(how) => format!(", {} restarts, the last after: {how}", service.restarts),
        };
        format!("{name} {}/{} ready{leaving}{deaths}", service.ready.len(), service.wanted)
    });
    non_empty(words)
}

/// Which replicas have not done anything since they were asked for.
fn not_served(status: &Status, before: &[Report], now: &[Report]) -> Option<String> {
    let wanted = status.replicas();
    if wanted.worker == 0 || wanted.rng == 0 || wanted.hasher == 0 {
        return None; // nothing can be served
    }
    let (counting, done) = since(before, now);
    let mut words = Vec::new();
    if counting < wanted.worker as usize {
        words.push(format!("worker {counting}/{} counting", wanted.worker));
    }
    for (service, served) in
        [(Service::Rng, &done.rng_replicas), (Service::Hasher, &done.hasher_replicas)]
    {
        let Some(status) = status.service(service) else { continue };
        let serving = status.ready.iter().filter(|name| served.contains_key(*name)).count();
        if serving < status.ready.len() {
            words.push(format!("{} {serving}/{} serving", service.name(), status.ready.len()));
        }
    }
    non_empty(words.into_iter())
}

/// How many workers have reported loops since `before`, and what all did since. Workers are
/// compared one by one: the sum of all falls when one leaves and takes its report along.
fn since(before: &[Report], now: &[Report]) -> (usize, Totals) {
    let mut counting = 0;
    let mut done = Totals::default();
    for report in now {
        let earlier = before.iter().find(|earlier| earlier.id == report.id);
        let news = earlier.is_none_or(|earlier| report.at_us > earlier.at_us);
        counting += usize::from(news && report.totals.loops > 0);
        match earlier {
            Some(earlier) => done.add(&report.totals.since(&earlier.totals).unwrap_or_default()),
            None => done.add(&report.totals),
        }
    }
    (counting, done)
}

fn non_empty(words: impl Iterator<Item = String>) -> Option<String> {
    let joined = words.collect::<Vec<_>>().join("; ");
    (!joined.is_empty()).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;

    #[test]
    fn workers_that_leave_do_not_hide_what_the_others_do() {
        let samples = ideal(4, 1);
        let before = samples.last.workers.clone();
        let (counting, done) = since(&before, &before[..1]);
        assert_eq!((counting, done.loops), (0, 0));
        let mut now = before[0].clone();
        now.at_us += 1_000_000;
        now.totals.loops += 2;
        now.totals.rng_replicas.insert("rng.1".to_owned(), 2);
        let (counting, done) = since(&before, &[now]);
        assert_eq!((counting, done.loops, done.rng_replicas["rng.1"]), (1, 2, 2));
    }
}
