//! Evidence, actions and how sure a verdict is, in words that the page and Markdown share.

use super::words::{balance, time};
use crate::analyse::verdict::counted;
use crate::analyse::{
    ActionFindings, Certainty, Interval, Next, ReplicaState, Spreading, StepFindings, Vote, agrees,
};

/// `10 workers`, as far as they reported.
pub(super) fn workers(step: &StepFindings) -> String {
    counted(step.workers, "worker")
}

/// How often the same verdict comes out of windows drawn from this one.
pub(super) fn probability(certainty: &Certainty) -> String {
    let Interval { value, low, high } = certainty.probability;
    format!(
        "The same verdict in {:.0} % ({:.0} to {:.0}) of {} windows drawn from this one.",
        value * 100.0,
        low * 100.0,
        high * 100.0,
        certainty.draws
    )
}

/// How sure the verdict is, and who disagrees: a line for each.
pub(super) fn certainty(step: &StepFindings) -> Vec<String> {
    let Some(certainty) = &step.certainty else { return Vec::new() };
    let differs = |vote: &&Vote| agrees(step, vote) == Some(false);
    let against = certainty.votes.iter().filter(differs);
    let sure = (certainty.draws > 0).then(|| probability(certainty));
    let against = against.map(|vote| format!("Another view: {}", vote.sentence));
    sure.into_iter().chain(against).collect()
}

/// How evenly the replicas were used, with what their spreading costs and who is peculiar.
pub(super) fn spreading(step: &StepFindings) -> Vec<String> {
    let balancing = step.services.iter().filter_map(|service| service.balancing.as_ref());
    let uneven = balancing.filter(|balancing| {
        !matches!(balancing.seen, Spreading::InTurn | Spreading::ByLoad)
            || balancing.cost_hashes_per_second.is_some_and(|cost| cost.low > 0.0)
    });
    let slow = step.services.iter().flat_map(|service| &service.replicas);
    let slow = slow.filter(|(_, replica)| replica.state == ReplicaState::Straggler);
    let slow = slow.map(|(name, replica)| {
        format!("{name} is slower than its like: {} of work", time(replica.service_ms))
    });
    let lines = balance(step).into_iter();
    lines.chain(uneven.map(|balancing| balancing.sentence.clone())).chain(slow).collect()
}

/// `+100 %`, or `nothing`.
pub(super) fn gain(share: f64) -> String {
    match share.abs() < 0.005 {
        true => "nothing".to_owned(),
        false => format!("{:+.0} %", share * 100.0),
    }
}

/// What could be done next and what it brings, one line each.
pub(super) fn actions(step: &StepFindings) -> Vec<String> {
    let line = |action: &ActionFindings| {
        let Interval { value, low, high } = action.hashes_per_second;
        let gain = gain(action.gain);
        format!("{}: {value:.2} hashes/s ({low:.2} to {high:.2}), {gain}", action.action)
    };
    step.actions.iter().map(line).collect()
}

/// What one replica more would bring by the bounds alone, one line each.
pub(super) fn by_bounds(step: &StepFindings) -> Vec<String> {
    let line = |next: &Next| {
        let name = next.service.name();
        match next.gain < 0.005 {
            true => format!("{name} {}: nothing", next.replicas),
            false => {
                let gain = gain(next.gain);
                format!("{name} {}: at most {:.1} hashes/s ({gain})", next.replicas, next.at_most)
            }
        }
    };
    step.next.iter().map(line).collect()
}
