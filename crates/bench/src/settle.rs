//! Waits until a scaled app really serves: the wanted replicas run, each worker has completed a
//! loop, each rng and hasher replica has answered one, and nobody else is left.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use observation::{Counts, Observation, Report, Totals};
use tokio::time::Instant;

use crate::cluster::{Change, Cluster, Service, Status, Trouble};
use crate::failure::Failure;
use crate::measure::{App, Phases};

/// How often the cluster is looked at, unless a look itself takes longer than that.
const LOOK_PERIOD: Duration = Duration::from_millis(50);
/// For how long the same replicas may fail in the same way before waiting is given up.
const STUCK_AFTER: Duration = Duration::from_secs(20);
/// For how long all wanted replicas must have been there, and all workers counting, before it is
/// taken for a fact that some replica is asked nothing: connections that were kept may stay where
/// they were for ever, and that is what is to be found out.
const UNUSED_AFTER: Duration = Duration::from_secs(20);
/// How long one look at what is served may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How the replicas came about.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// How long it took until all served.
    pub after: Duration,
    /// The parts of that time, where the cluster tells.
    pub phases: Phases,
}

/// What is known while waiting.
struct Wait {
    begin: Instant,
    asked: Timestamp,
    timeout: Duration,
    /// When the youngest replica was made before anything was asked for.
    youngest: Option<i64>,
    /// Which replica each name stood for when last looked.
    incarnations: BTreeMap<String, String>,
    /// Since when exactly the wanted replicas have been there.
    seen: Option<(Timestamp, Instant)>,
    /// What keeps replicas from being ready, and since when it has been the same.
    stuck: Option<(Vec<Trouble>, Instant)>,
}

/// Makes the change and waits until the replicas then wanted serve; `watch` hears what is still
/// missing.
///
/// # Errors
/// When the replicas do not serve within `timeout`, or fail again and again, or the cluster is
/// gone.
pub async fn settle(
    cluster: &mut Cluster,
    app: &mut App,
    change: Change,
    timeout: Duration,
    watch: &mut impl FnMut(&str),
) -> Result<Settled, Failure> {
    // Until webui has started there is nothing to compare with; then its first answer is.
    let mut before = app.observe_briefly().await.ok();
    let now = cluster.status().await?;
    let mut wait = Wait {
        begin: Instant::now(),
        asked: Timestamp::now(),
        timeout,
        youngest: youngest(&now),
        incarnations: incarnations(&now),
        seen: None,
        stuck: None,
    };
    cluster.scale(change).await?;
    loop {
        let look = Instant::now();
        let status = cluster.status().await?;
        if wait.has_successors(&status) {
            before = None; // what the one did, the other with its name has not
        }
        let missing = match unsettled(&status) {
            Some(missing) => {
                wait.seen = None;
                Some(Missing::Other(missing))
            }
            None => {
                wait.seen.get_or_insert_with(|| (Timestamp::now(), Instant::now()));
                let unserved = still_unserved(app, &status, &mut before);
                let late = || Some(Missing::Other("webui does not answer in time".to_owned()));
                tokio::time::timeout(LOOK_TIMEOUT, unserved).await.unwrap_or_else(|_| late())
            }
        };
        let missing = match missing {
            Some(Missing::Requests(_)) if wait.has_been_there_for(UNUSED_AFTER) => None,
            missing => missing,
        };
        let Some(Missing::Requests(missing) | Missing::Other(missing)) = missing else {
            return Ok(wait.settled(&status));
        };
        watch(&missing);
        wait.may_go_on(&status, missing)?;
        tokio::time::sleep(LOOK_PERIOD.max(look.elapsed())).await;
    }
}

impl Wait {
    fn settled(&self, status: &Status) -> Settled {
        let since = |moment: i64| (moment - self.asked.as_microsecond()).div_euclid(1000);
        let now = Timestamp::now();
        let made = youngest(status).filter(|youngest| Some(*youngest) > self.youngest);
        let running = status.services.iter().filter_map(|service| service.ready_since_us).max();
        let phases = Phases {
            created_ms: made.map(since),
            running_ms: made.and(running).map(since),
            seen_ms: since(self.seen.map_or(now, |(at, _)| at).as_microsecond()),
            served_ms: since(now.as_microsecond()),
        };
        Settled { after: self.begin.elapsed(), phases }
    }

    fn has_been_there_for(&self, time: Duration) -> bool {
        self.seen.is_some_and(|(_, since)| since.elapsed() >= time)
    }

    /// Whether a name has been taken over by another replica since the last look.
    fn has_successors(&mut self, status: &Status) -> bool {
        let now = incarnations(status);
        let taken = |(name, id): (&String, &String)| now.get(name).is_some_and(|new| new != id);
        let any = self.incarnations.iter().any(taken);
        self.incarnations.extend(now);
        any
    }

    /// Gives up when time is over, or when nothing but the same failures has been seen for long.
    fn may_go_on(&mut self, status: &Status, missing: String) -> Result<(), Failure> {
        let troubles: Vec<Trouble> = status.troubles().cloned().collect();
        let everywhere = status.services.iter().all(|service| {
            let absent = service.states.values().sum::<u32>() as usize;
            service.troubles.len() >= absent && service.leaving == 0
        });
        let now = Instant::now();
        let since = match self.stuck.take() {
            Some((before, since)) if same(&before, &troubles) => since,
            _ => now,
        };
        let lasting = everywhere && !troubles.iter().any(|trouble| trouble.may_pass);
        let hopeless = lasting && !troubles.is_empty() && now - since > STUCK_AFTER;
        if hopeless || self.begin.elapsed() > self.timeout {
            return Err(Failure::NotSettled { after: self.begin.elapsed(), missing, troubles });
        }
        self.stuck = Some((troubles, since));
        Ok(())
    }
}

/// Whether the same replicas fail for the same reasons, however far each attempt has come.
fn same(before: &[Trouble], now: &[Trouble]) -> bool {
    let key = |troubles: &[Trouble]| -> Vec<(String, String)> {
        let mut key: Vec<_> =
            troubles.iter().map(|t| (t.replica.clone(), t.error.clone())).collect();
        key.sort_unstable();
        key
    };
    key(before) == key(now)
}

fn incarnations(status: &Status) -> BTreeMap<String, String> {
    status.services.iter().flat_map(|service| service.incarnations.clone()).collect()
}

fn youngest(status: &Status) -> Option<i64> {
    status.services.iter().filter_map(|service| service.created_us).max()
}

/// Which replicas have not served yet, although all are there.
async fn still_unserved(
    app: &mut App,
    status: &Status,
    before: &mut Option<Observation>,
) -> Option<Missing> {
    if let Err(reason) = app.follow(status).await {
        let advice = match status.pid {
            Some(_) => "",
            None => " (--host names another host for published ports, --from-inside needs none)",
        };
        return Some(Missing::Other(format!("{reason}{advice}")));
    }
    match app.observe_briefly().await {
        Ok(seen) => {
            let before = before.get_or_insert_with(|| seen.clone());
            not_served(status, before, &seen)
        }
        Err(error) => Some(Missing::Other(format!("webui does not answer: {error}"))),
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
        let coming: Vec<_> = service.states.iter().map(|(s, n)| format!("{n} {s}")).collect();
        let coming = match coming.is_empty() {
            true => String::new(),
            false => format!(" ({})", coming.join(", ")),
        };
        format!("{name} {}/{} ready{coming}{leaving}{deaths}", service.ready.len(), service.wanted)
    });
    non_empty(words)
}

/// What is missing, in words.
enum Missing {
    /// Replicas that are there have been asked nothing yet, while all workers count.
    Requests(String),
    /// Anything else.
    Other(String),
}

/// Which replicas have not done anything since they were asked for.
fn not_served(status: &Status, before: &Observation, now: &Observation) -> Option<Missing> {
    let wanted = status.replicas();
    if !wanted.can_loop() {
        return None; // nothing can be served
    }
    if now.workers.is_empty() && before.workers.is_empty() && now.hashes > before.hashes {
        return None; // workers that send no reports, as the original's; somebody is served
    }
    let ready = status.service(Service::Worker).map_or(&[][..], |service| &service.ready);
    let ready: HashSet<&String> = ready.iter().collect();
    let reporting = now.workers.iter().filter(|report| ready.contains(&report.replica));
    let Since { counting, served } = since(&before.workers, reporting);
    if counting < wanted.worker as usize {
        return Some(Missing::Other(format!("worker {counting}/{} counting", wanted.worker)));
    }
    let mut words = Vec::new();
    for service in [Service::Rng, Service::Hasher] {
        let Some(status) = status.service(service) else { continue };
        let serving = status.ready.iter().filter(|name| served.contains(&(service, *name))).count();
        if serving < status.ready.len() {
            words.push(format!("{} {serving}/{} serving", service.name(), status.ready.len()));
        }
    }
    non_empty(words.into_iter()).map(Missing::Requests)
}

/// What happened since an earlier look.
#[derive(Debug, PartialEq)]
struct Since<'a> {
    /// Workers that have reported loops.
    counting: usize,
    /// Replicas that have answered one of them, by their names.
    served: HashSet<(Service, &'a String)>,
}

/// What workers have done since `before`. They are compared one by one: the sum of all falls when one
/// leaves and takes its report along.
fn since<'a>(before: &[Report], now: impl Iterator<Item = &'a Report>) -> Since<'a> {
    let before: HashMap<&String, &Report> = before.iter().map(|one| (&one.id, one)).collect();
    let mut since = Since { counting: 0, served: HashSet::new() };
    for report in now {
        let earlier = before.get(&report.id).copied();
        let news = earlier.is_none_or(|earlier| report.at_us > earlier.at_us);
        since.counting += usize::from(news && report.totals.loops > 0);
        for service in [Service::Rng, Service::Hasher] {
            let then = earlier.map(|earlier| answers(&earlier.totals, service));
            let is_news = |(name, count): &(&String, &u64)| {
                **count > then.and_then(|then| then.get(*name)).copied().unwrap_or(0)
            };
            let counts = answers(&report.totals, service);
            since.served.extend(counts.iter().filter(is_news).map(|(name, _)| (service, name)));
        }
    }
    since
}

fn answers(totals: &Totals, service: Service) -> &Counts {
    if service == Service::Rng { &totals.rng_replicas } else { &totals.hasher_replicas }
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
        let nothing = Since { counting: 0, served: HashSet::new() };
        assert_eq!(since(&before, before[..1].iter()), nothing);
        let mut now = before[0].clone();
        now.at_us += 1_000_000;
        now.totals.loops += 2;
        now.totals.rng_replicas.insert("rng.1".to_owned(), 2);
        let rng = "rng.1".to_owned();
        let served = HashSet::from([(Service::Rng, &rng)]);
        assert_eq!(since(&before, [&now].into_iter()), Since { counting: 1, served });
    }
}
