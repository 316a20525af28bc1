//! Numbers and rows as people read them, shared by the tables of all formats.

use crate::analyse::verdict::counted;
use crate::analyse::{
    ActionFindings, Balance, Findings, Interval, PathFindings, RepetitionFindings, StageFindings,
    StepFindings,
};
use crate::measure::Phases;

/// Replicas whose shares differ by more are listed.
const EVEN: f64 = 0.05;
/// Of more replicas only the extremes are listed.
const MANY: usize = 12;
/// So few replicas are listed in any case.
const FEW: usize = 5;

/// An action that brings less is said to bring nothing, and a restart to change nothing.
const LEAST_TOLD: f64 = 0.005;
/// So many actions are listed.
const MOST_ACTIONS: usize = 3;

/// Head of the table of stages.
pub(super) const STAGE_HEAD: [&str; 10] =
    ["stage", "replicas", "calls/s", "p50", "p90", "p99", "max", "busy", "waiting", "workers"];

/// Head of the table of steps.
const STEP_HEAD: [&str; 9] =
    ["worker", "rng", "hasher", "policy", "hashes/s", "±", "coins/s", "bound", "limit"];
/// The column that is left out where no policy was set.
const POLICY: usize = 3;

/// Head of the table of ways between nodes.
pub(super) const PATH_HEAD: [&str; 6] =
    ["from", "to node", "probes", "failed", "connect p50", "answer p50"];

/// Nothing to show.
pub(super) const NONE: &str = "-";

/// One row of the table of stages.
pub(super) fn stage_row(stage: &StageFindings) -> [String; 10] {
    [
        stage.name.name().to_owned(),
        stage.replicas.map_or_else(|| NONE.to_owned(), |count| count.to_string()),
        format!("{:.2}", stage.calls_per_second),
        time(stage.p50_ms),
        time(stage.p90_ms),
        time(stage.p99_ms),
        time(stage.max_ms),
        stage
            .utilisation
            .map_or_else(|| NONE.to_owned(), |share| format!("{:.0} %", share * 100.0)),
        stage.waiting.map_or_else(|| NONE.to_owned(), |waiting| format!("{waiting:.2}")),
        format!("{:.2}", stage.present),
    ]
}

/// One row of the table of ways between nodes.
pub(super) fn path_row(path: &PathFindings) -> [String; 6] {
    [
        path.from.clone(),
        path.to.clone(),
        path.probes.to_string(),
        path.failed.to_string(),
        time(path.connect_p50_ms),
        time(path.answer_p50_ms),
    ]
}

/// What became of the prediction, and whether it held; `None` where none was asked for.
pub(super) fn verification(findings: &Findings) -> Option<(String, bool)> {
    let unverified =
        findings.unverified.as_ref().map(|why| (format!("Not verified: {why}."), false));
    let verification = findings.verification.as_ref();
    verification.map(|one| (format!("Verified: {}", one.sentence), one.held)).or(unverified)
}

/// What several runs say together, in a sentence.
pub(super) fn repetitions(several: &RepetitionFindings) -> String {
    let Interval { value, high, .. } = several.hashes_per_second;
    // What is told as 0.00 is nothing.
    let restarts = match several.between_runs >= LEAST_TOLD {
        true => format!("a restart changes it by {:.2} (standard deviation)", several.between_runs),
        false => "a restart changes nothing that can be seen".to_owned(),
    };
    format!(
        "{} runs of worker {}, rng {}, hasher {}: {value:.2} {} hashes/s; {restarts}.",
        several.runs,
        several.replicas.worker,
        several.replicas.rng,
        several.replicas.hasher,
        plus_minus(high - value),
    )
}

/// What was tried on purpose beside the steps, a line each.
pub(super) fn tried(findings: &Findings) -> Vec<String> {
    let injected = findings.injections.iter().map(|one| one.sentence.clone());
    let not = findings.uninjected.iter().map(|reason| format!("Not injected: {reason}."));
    injected.chain(not).chain(findings.repetitions.iter().map(repetitions)).collect()
}

/// Head and rows of the table of steps.
pub(super) fn steps(steps: &[StepFindings]) -> (Vec<String>, Vec<Vec<String>>) {
    let policies = steps.iter().any(|step| step.policy.is_some());
    let shown = |(column, cell): (usize, String)| (policies || column != POLICY).then_some(cell);
    let columns = |row: [String; 9]| row.into_iter().enumerate().filter_map(shown).collect();
    (columns(STEP_HEAD.map(str::to_owned)), steps.iter().map(|s| columns(step_row(s))).collect())
}

fn step_row(step: &StepFindings) -> [String; 9] {
    let rate = step.hashes_per_second;
    let bound = step.bounds.map(|bounds| bounds.binding().1);
    let limit = step.bottleneck.as_ref().map(|bottleneck| bottleneck.service.name());
    let number = |value: f64| match step.rate_is_withheld() {
        true => NONE.to_owned(),
        false => format!("{value:.2}"),
    };
    [
        step.replicas.worker.to_string(),
        step.replicas.rng.to_string(),
        step.replicas.hasher.to_string(),
        step.policy.clone().unwrap_or_else(|| NONE.to_owned()),
        number(rate.interval.value),
        number(rate.interval.high - rate.interval.value),
        number(step.coins_per_second.value),
        bound.map_or_else(|| NONE.to_owned(), |bound| format!("{bound:.2}")),
        limit.unwrap_or("withheld").to_owned(),
    ]
}

/// `10 workers, 5 rng, 1 hasher`, and the policy where one was set.
pub(super) fn replicas(step: &StepFindings) -> String {
    let replicas = step.replicas;
    let workers = counted(replicas.worker.into(), "worker");
    let policy = step.policy.as_ref().map_or_else(String::new, |of| format!(", policy {of}"));
    format!("{workers}, {} rng, {} hasher{policy}", replicas.rng, replicas.hasher)
}

/// The verdict or why there is none, in one sentence.
pub(super) fn verdict(step: &StepFindings) -> String {
    match (&step.bottleneck, &step.withheld) {
        (Some(bottleneck), _) => bottleneck.sentence.clone(),
        (None, Some(withheld)) => format!("No verdict: {}.", withheld.reason),
        (None, None) => String::from("No verdict."),
    }
}

/// How sure the verdict is, as `p = 0.99`; nothing where that is not known.
pub(super) fn sure(step: &StepFindings) -> Option<String> {
    let probability = step.certainty.as_ref()?.probability.value;
    // Of a few hundred windows none says otherwise: that is not certainty.
    Some(if probability > 0.995 { "p > 0.99".to_owned() } else { format!("p = {probability:.2}") })
}

/// What is wrong or peculiar, one line each, without what the verdict begins with.
pub(super) fn causes(step: &StepFindings) -> Vec<String> {
    let said = |sentence: &str| {
        let verdict = verdict(step);
        verdict.get(1..).is_some_and(|v| v.starts_with(sentence.get(1..).unwrap_or("")))
    };
    let sentences = step.causes.iter().map(|cause| cause.sentence.clone());
    sentences.filter(|sentence| !said(sentence)).collect()
}

/// What could be done next, one line each, the best first.
pub(super) fn next(step: &StepFindings) -> Vec<String> {
    let bring = |action: &&ActionFindings| action.gain >= LEAST_TOLD;
    let line = |action: &ActionFindings| {
        let Interval { value, low, high } = action.hashes_per_second;
        let gain = action.gain * 100.0;
        format!("{}: {value:.1} hashes/s ({low:.1} to {high:.1}, {gain:+.0} %)", action.action)
    };
    step.actions.iter().filter(bring).take(MOST_ACTIONS).map(line).collect()
}

/// Actions that bring nothing, in one line.
pub(super) fn in_vain(step: &StepFindings) -> Option<String> {
    let vain = step.actions.iter().filter(|action| action.gain < LEAST_TOLD);
    let vain: Vec<&str> = vain.map(|action| action.action.as_str()).collect();
    (!vain.is_empty()).then(|| format!("nothing by: {}", vain.join("; ")))
}

/// How a change of replicas went: `made after 0.1 s, running after 1.2 s, ...`.
pub(super) fn phases(step: &StepFindings) -> Option<String> {
    let Phases { created_ms, running_ms, seen_ms, served_ms } = step.phases?;
    // A negative time is one by a clock that differs from bench's.
    let at = |name: &str, ms: i64| Some(format!("{name} {}", seconds(u64::try_from(ms).ok()?)));
    let parts = [
        created_ms.and_then(|ms| at("made", ms)),
        running_ms.and_then(|ms| at("running", ms)),
        at("seen", seen_ms),
        at("served", served_ms),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// How evenly the replicas were used, and by what policy: a line for each service with several.
pub(super) fn balance(step: &StepFindings) -> Vec<String> {
    let policies: Vec<_> = step.policies.keys().map(String::as_str).collect();
    let policy = policies.join(" and ");
    let line = |name: &str, balance: &Balance| {
        let mut shares: Vec<_> = balance.shares.iter().collect();
        let told = |shares: &[(&String, &f64)]| -> String {
            let one = |(who, share): &(&String, &f64)| format!("{who} {:.1}", **share * 100.0);
            shares.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let all = shares.len();
        let listed = match balance.spread > EVEN {
            _ if all <= FEW => format!(": {} %", told(&shares)),
            false => String::new(),
            true if all <= MANY => format!(": {} %", told(&shares)),
            true => {
                shares.sort_by(|one, other| one.1.total_cmp(other.1));
                format!(": from {} to {} %", told(&shares[..2]), told(&shares[all - 2..]))
            }
        };
        let idle = match balance.replicas as usize - shares.len() {
            0 => String::new(),
            idle => format!(", {idle} without any request"),
        };
        format!(
            "{policy} over {} {name} replicas, shares within {:.1} % of each other{listed}{idle}",
            balance.replicas,
            balance.spread * 100.0
        )
    };
    [("rng", &step.rng_balance), ("hasher", &step.hasher_balance)]
        .into_iter()
        .filter_map(|(name, balance)| Some(line(name, balance.as_ref()?)))
        .collect()
}

/// A number with so many decimals, and without a sign where only zeros are left of it.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| matches!(c, '0' | '.')) => zero.to_owned(),
        _ => text,
    }
}

/// `± 0.43`.
pub(super) fn plus_minus(half: f64) -> String {
    format!("± {half:.2}")
}

/// Milliseconds with three digits that count.
pub(super) fn time(milliseconds: Option<f64>) -> String {
    match milliseconds {
        None => NONE.to_owned(),
        Some(ms) if ms >= 1000.0 => format!("{:.2} s", ms / 1000.0),
        Some(ms) if ms >= 100.0 => format!("{ms:.0} ms"),
        Some(ms) if ms >= 10.0 => format!("{ms:.1} ms"),
        Some(ms) => format!("{ms:.2} ms"),
    }
}

/// `3.2 s`.
#[expect(clippy::cast_precision_loss, reason = "lengths of windows are far below 2^53 ms")]
pub(super) fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_less_than_nothing() {
        let cases = [(-0.001, 2, "0.00"), (-0.0, 0, "0"), (-0.005_1, 2, "-0.01"), (1.0, 1, "1.0")];
        for (value, decimals, words) in cases {
            assert_eq!(fixed(value, decimals), words);
        }
    }
}
