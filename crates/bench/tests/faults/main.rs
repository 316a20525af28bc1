//! The diagnosis held to the truth: `bench scale` of simulated apps with faults that were put in on
//! purpose. The answer is right when it names what limits and, where there was a fault, that fault
//! first; of a healthy app, when it names none and warns of nothing.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cases;

use std::fmt::Write as _;
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench::analyse::{Cause, StepFindings};
use bench::cli::Cli;
use bench::plan::Plan;
use bench::scale;
use bench::session::Stop;
use clap::Parser as _;

use cases::{Case, Expected, KINDS};

/// Right first answers, of all.
const RIGHT: f64 = 0.98;
/// From here on a verdict is sure of itself.
const CONFIDENT: f64 = 0.9;

/// What bench says of a case.
#[derive(Debug)]
struct Answer {
    /// In the words of the cases.
    text: String,
    is_right: bool,
    /// How sure it is; `None` when it names nothing.
    probability: Option<f64>,
}

/// Runs `bench scale` as it is typed.
fn findings(case: &Case) -> Result<StepFindings, String> {
    let (worker, rng, hasher) = case.replicas;
    let words =
        format!("bench scale --cluster sim --worker {worker} --rng {rng} --hasher {hasher}");
    let settings = case.settings.split_whitespace().flat_map(|setting| ["--simulate", setting]);
    let plan = Plan::try_from(Cli::try_parse_from(words.split(' ').chain(settings)).unwrap());
    let Plan::Scale(plan) = plan.unwrap() else { panic!("{words} is another command") };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    let stop = Stop { interrupted: pending(), hurried: pending() };
    let mut outcome = runtime.block_on(scale::run(&plan, stop, &mut |_| {}));
    match outcome.failure {
        Some(failure) => Err(failure.to_string()),
        None => Ok(outcome.findings.steps.remove(0)),
    }
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn answer(case: &Case) -> Answer {
    let step = match findings(case) {
        Ok(step) => step,
        Err(failure) => return Answer { text: failure, is_right: false, probability: None },
    };
    let first = step.causes.first().map(|cause| words(&cause.cause));
    let Some(bottleneck) = &step.bottleneck else {
        let reason = step.withheld.map(|withheld| withheld.reason).unwrap_or_default();
        let is_right = matches!(case.expected, Expected::Withheld(words) if reason.contains(words));
        return Answer { text: format!("withheld: {reason}"), is_right, probability: None };
    };
    let limit = bottleneck.service.name();
    let is_right = match case.expected {
        Expected::Healthy(service) => {
            service == limit && step.causes.is_empty() && step.warnings.is_empty()
        }
        Expected::Named(service, fault) => service == limit && first.as_deref() == Some(fault),
        Expected::Withheld(_) => false,
    };
    let mut text = format!("{limit}, {}", first.as_deref().unwrap_or("no cause"));
    if matches!(case.expected, Expected::Healthy(_)) {
        text.extend(step.warnings.iter().map(|warning| format!("; {warning}")));
    }
    let probability = step.certainty.map(|certainty| certainty.probability.value);
    Answer { text, is_right, probability: Some(probability.unwrap_or(1.0)) }
}

/// A cause in the words of the cases.
fn words(cause: &Cause) -> String {
    match cause {
        Cause::Straggler { replica, .. } => format!("straggler {replica}"),
        Cause::Dead { service, .. } => format!("dead {}", service.name()),
        Cause::Failing { service } => format!("failing {}", service.name()),
        Cause::Stale { service, .. } => format!("stale {}", service.name()),
        Cause::Pinned { service } => format!("pinned {}", service.name()),
        Cause::Random { service } => format!("random {}", service.name()),
        Cause::Uneven { service } => format!("uneven {}", service.name()),
        Cause::Threaded { service } => format!("threaded {}", service.name()),
        Cause::Capped { service } => format!("capped {}", service.name()),
        Cause::Starved { service } => format!("starved {}", service.name()),
        Cause::SlowService { service } => format!("slow {}", service.name()),
        Cause::SlowRedis => "slow redis".to_owned(),
        Cause::LongThink => "long think".to_owned(),
        Cause::Overhead => "overhead".to_owned(),
    }
}

/// The answers to all cases, in their order, found by as many threads as there are processors.
fn answers(cases: &[Case]) -> Vec<Answer> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        while let Some((index, case)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            cases.get(index).map(|case| (index, case))
        } {
            let answer = answer(case);
            found.lock().unwrap().push((index, answer));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, answer)| answer).collect()
}

#[test]
fn the_first_answer_is_right_and_none_is_confidently_wrong() {
    let all: Vec<Case> = KINDS.iter().flat_map(|(_, cases)| cases.iter().copied()).collect();
    let answers = answers(&all);
    let mut table = format!("{:<30}{:>6}{:>7}\n", "fault", "cases", "right");
    let mut rest = answers.iter();
    for (kind, cases) in KINDS {
        let right = rest.by_ref().take(cases.len()).filter(|answer| answer.is_right).count();
        let _ = writeln!(table, "{kind:<30}{:>6}{right:>7}", cases.len());
    }
    let right = answers.iter().filter(|answer| answer.is_right).count();
    let _ = writeln!(table, "{:<30}{:>6}{right:>7}", "all", all.len());
    let wrong = || all.iter().zip(&answers).filter(|(_, answer)| !answer.is_right);
    for (case, answer) in wrong() {
        let Answer { text, probability, .. } = answer;
        let _ = writeln!(table, "{case:?}: {text} (p {probability:?})");
    }
    println!("{table}");
    let share = float(right) / float(all.len());
    assert!(share >= RIGHT, "{right} of {} are right\n{table}", all.len());
    let is_confident = |answer: &Answer| answer.probability.is_some_and(|p| p >= CONFIDENT);
    assert_eq!(wrong().filter(|(_, answer)| is_confident(answer)).count(), 0, "{table}");
    assert!(all.len() >= 72 && KINDS.len() >= 10, "the suite has shrunk");
}
