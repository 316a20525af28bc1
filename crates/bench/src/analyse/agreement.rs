//! Whether all ways to find the bottleneck agree with the verdict, and how that is told.

use super::StepFindings;
use super::bounds::Bounds;
use super::evidence::{Method, Vote};
use super::verdict::TIE;
use crate::cluster::Service;

/// The services that are named: the one that binds, and one that binds almost as early.
pub(super) fn named(bounds: &Bounds) -> [Option<Service>; 2] {
    let (binding, bound) = bounds.binding();
    let tied = bounds.next_binding().filter(|(_, next)| *next < bound * TIE);
    [Some(binding), tied.map(|(service, _)| service)]
}

/// Whether a vote says what a step's verdict does; `None` where either says nothing. What binds almost as
/// early is named, too, and the workers are where Redis holds them up.
#[must_use]
pub fn agrees(step: &StepFindings, vote: &Vote) -> Option<bool> {
    let (Some(_), Some(bounds)) = (&step.bottleneck, &step.bounds) else { return None };
    vote.service.map(|service| named(bounds).contains(&Some(service)))
}

/// Adds a vote that was taken after the verdict, in place of an earlier one by the same method; the
/// verdict's sentence then tells who says otherwise now.
pub(super) fn recount(step: &mut StepFindings, vote: Vote) {
    let (Some(certainty), Some(bounds)) = (&mut step.certainty, &step.bounds) else { return };
    let named = named(bounds);
    let before = disagreement(&certainty.votes, named);
    certainty.votes.retain(|other| other.method != vote.method);
    certainty.votes.push(vote);
    let now = disagreement(&certainty.votes, named);
    if let Some(bottleneck) = &mut step.bottleneck {
        // It is told last.
        let sentence = bottleneck.sentence.strip_suffix(&before).unwrap_or(&bottleneck.sentence);
        bottleneck.sentence = format!("{sentence}{now}");
    }
}

/// Who says otherwise, of the ways of looking; empty where all agree.
pub(super) fn disagreement(votes: &[Vote], named: [Option<Service>; 2]) -> String {
    let others = votes
        .iter()
        .filter(|vote| vote.service.is_some_and(|service| !named.contains(&Some(service))));
    let others: Vec<String> = others
        .filter_map(|vote| {
            let method = match vote.method {
                Method::Utilisation => "utilisation",
                Method::QueueLength => "queue length",
                Method::Elasticity => "elasticity",
                Method::InjectedDelay => "injected delay",
            };
            Some(format!("by {method} it is {} ({})", vote.service?.name(), vote.sentence))
        })
        .collect();
    match others.is_empty() {
        true => String::new(),
        false => format!(" Not all agree: {}.", others.join("; ")),
    }
}
