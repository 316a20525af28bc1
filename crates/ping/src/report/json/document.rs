//! The parts of the JSON document.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use exchange::Phase;
use jiff::Timestamp;
use load::distribution::needed;
use load::numbers::float;
use serde::{Serialize, Serializer};

use crate::pace::Pace;
use crate::plan::Plan;
use crate::report::words::{failure, trouble};
use crate::report::{Ending, Missed, Told};
use crate::statistics::{Fault, PERCENTILES, Series, milliseconds};

/// Of this document; fields are added within a version, never renamed.
const SCHEMA_VERSION: u32 = 1;

/// What is known before the first probe.
#[derive(Serialize)]
pub(super) struct Head {
    schema_version: u32,
    url: String,
    method: String,
    keeps_connection: bool,
    interval_ms: Option<f64>,
    timeout_ms: f64,
    count: Option<u64>,
    ok_statuses: String,
    started: String,
}

/// One probe.
#[derive(Serialize)]
pub(super) struct Row {
    seq: u64,
    started: String,
    ok: bool,
    total_ms: Option<f64>,
    #[serde(flatten)]
    phases: Numbers,
    server_queue_ms: Option<f64>,
    server_service_ms: Option<f64>,
    status: Option<u16>,
    reason: Option<String>,
    head_bytes: Option<u64>,
    body_bytes: Option<u64>,
    peer: Option<String>,
    replica: Option<String>,
    reconnected: bool,
    tls: Option<Tls>,
    failure: Option<Failed>,
}

#[derive(Serialize)]
struct Tls {
    version: String,
    cipher: String,
    certificate_sha256: String,
}

#[derive(Serialize)]
struct Failed {
    kind: String,
    message: String,
}

/// What all probes come to.
#[derive(Serialize)]
pub(super) struct Summary {
    probes: u64,
    ok: u64,
    failed: u64,
    failed_percent: f64,
    skipped_slots: u64,
    reconnects: u64,
    excess_responses: u64,
    responses_4xx: u64,
    responses_5xx: u64,
    elapsed_ms: f64,
    round_trip: Option<Times>,
    jitter_ms: Option<f64>,
    phases: BTreeMap<&'static str, Times>,
    server: BTreeMap<&'static str, Times>,
    failures: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    replicas: BTreeMap<String, u64>,
    /// Percentiles that are null, and how many probes that are ok they need.
    percentiles_need: BTreeMap<&'static str, u64>,
    bounds_missed: Vec<Bound>,
    /// Why not even a first probe was made.
    given_up: Option<String>,
}

#[derive(Serialize)]
struct Times {
    count: u64,
    min_ms: Option<f64>,
    mean_ms: Option<f64>,
    median_ms: Option<f64>,
    max_ms: Option<f64>,
    standard_deviation_ms: Option<f64>,
    #[serde(flatten)]
    percentiles: Numbers,
}

/// Fields and their numbers, in this order.
struct Numbers(Vec<(String, Option<f64>)>);

#[derive(Serialize)]
struct Bound {
    measure: String,
    most_ms: f64,
    was_ms: Option<f64>,
}

impl Head {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            url: plan.target.route.url.to_string(),
            method: plan.target.asked.request.method.to_string(),
            keeps_connection: plan.target.keeps_connection,
            interval_ms: match plan.pace {
                Pace::Flood => None,
                Pace::Every(interval) => Some(milliseconds(interval)),
            },
            timeout_ms: milliseconds(plan.target.limit),
            count: plan.count,
            ok_statuses: plan.ok.to_string(),
            started: moment(SystemTime::now()),
        }
    }
}

impl Row {
    pub(super) fn new(plan: &Plan, told: &Told<'_>) -> Self {
        let probe = told.probe;
        let reply = probe.reply();
        let phases = Phase::ALL.iter().map(|phase| {
            let length = reply.and_then(|reply| reply.phases.get(*phase));
            (format!("{phase}_ms"), ms(length))
        });
        let server = |microseconds: Option<u64>| ms(microseconds.map(Duration::from_micros));
        let failed = |fault| Failed { kind: name(fault), message: trouble(plan, probe) };
        Self {
            seq: probe.seq,
            started: moment(probe.started),
            ok: told.fault.is_none(),
            total_ms: ms(Some(probe.elapsed)),
            phases: Numbers(phases.collect()),
            server_queue_ms: server(reply.and_then(|reply| reply.server.queue_us)),
            server_service_ms: server(reply.and_then(|reply| reply.server.service_us)),
            status: reply.map(|reply| reply.answer.status),
            reason: reply.map(|reply| reply.reason.clone()),
            head_bytes: reply.map(|reply| reply.answer.head_bytes),
            body_bytes: reply.map(|reply| reply.answer.body_bytes),
            peer: probe.peer.as_ref().map(ToString::to_string),
            replica: reply.and_then(|reply| reply.replica.clone()),
            reconnected: probe.reconnected,
            tls: probe.secured.as_ref().map(|secured| Tls {
                version: secured.version.clone(),
                cipher: secured.cipher.clone(),
                certificate_sha256: crate::report::line::fingerprint(secured),
            }),
            failure: told.fault.map(failed),
        }
    }
}

impl Summary {
    pub(super) fn new(plan: &Plan, ending: &Ending) -> Self {
        let all = &ending.statistics;
        let phases = Phase::ALL.iter().map(|phase| phase.name()).zip(&all.phases);
        let server = [("queue", &all.queue), ("service", &all.service)];
        let needs = PERCENTILES.iter().filter(|(_, quantile)| all.ok < needed(*quantile));
        Self {
            probes: all.probes,
            ok: all.ok,
            failed: all.failed(),
            failed_percent: all.failed_percent(),
            skipped_slots: all.skipped,
            reconnects: all.reconnects,
            excess_responses: all.excess,
            responses_4xx: all.of_class(4),
            responses_5xx: all.of_class(5),
            elapsed_ms: milliseconds(ending.elapsed),
            round_trip: Times::new(&all.total),
            jitter_ms: ms(all.jitter()),
            phases: phases.filter_map(|(name, series)| Some((name, Times::new(series)?))).collect(),
            server: server
                .into_iter()
                .filter_map(|(name, series)| Some((name, Times::new(series)?)))
                .collect(),
            failures: all.faults.iter().map(|(fault, count)| (name(*fault), *count)).collect(),
            statuses: all.statuses.iter().map(|(s, count)| (s.to_string(), *count)).collect(),
            replicas: all.replicas.clone(),
            percentiles_need: needs.map(|(name, quantile)| (*name, needed(*quantile))).collect(),
            bounds_missed: ending.missed.iter().map(Bound::new).collect(),
            given_up: ending.given_up.as_ref().map(|why| failure(why, plan.target.limit)),
        }
    }
}

impl Times {
    fn new(series: &Series) -> Option<Self> {
        let percentiles = PERCENTILES
            .iter()
            .map(|(name, quantile)| (format!("{name}_ms"), ms(series.told(*quantile))));
        (series.count() > 0).then(|| Self {
            count: series.count(),
            min_ms: ms(series.min()),
            mean_ms: ms(series.mean()),
            median_ms: ms(series.median()),
            max_ms: ms(series.max()),
            standard_deviation_ms: ms(series.deviation()),
            percentiles: Numbers(percentiles.collect()),
        })
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.0.iter().map(|(name, number)| (name, number)))
    }
}

impl Bound {
    fn new(missed: &Missed) -> Self {
        let (bound, was_ms) = (missed.bound, ms(missed.was));
        Self { measure: bound.measure.name(), most_ms: milliseconds(bound.most), was_ms }
    }
}

/// Milliseconds, to the nanosecond.
fn ms(length: Option<Duration>) -> Option<f64> {
    let nanoseconds = length?.as_nanos();
    Some(float(u64::try_from(nanoseconds).unwrap_or(u64::MAX)) / 1e6)
}

fn name(fault: Fault) -> String {
    match fault {
        Fault::NoAnswer(kind) => kind.name().to_owned(),
        Fault::Status(status) => format!("status_{status}"),
    }
}

fn moment(moment: SystemTime) -> String {
    Timestamp::try_from(moment).unwrap_or(Timestamp::MAX).to_string()
}
