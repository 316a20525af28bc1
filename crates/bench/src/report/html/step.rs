//! A step told from its verdict to what it does not show.

use maud::{Markup, html};

use super::{bounds, evidence, next, services, states, words, workers};
use crate::analyse::StepFindings;
use crate::review::Review;

/// A sentence's beginning that is set apart is at most so long.
const SHORT: usize = 60;

/// The verdict: the first of its sentences large, or what that says before its evidence.
pub(super) fn sentence(step: &StepFindings) -> Markup {
    headline(&words::verdict(step))
}

/// Words whose beginning is set large: the first sentence, or what it says before its evidence.
pub(super) fn headline(words: &str) -> Markup {
    // A dot within a number or a name has no space behind it.
    let end = words.find(". ").map_or(words.len(), |dot| dot + 1);
    let colon = words[..end].find(": ").map(|colon| colon + 1);
    let short = colon.filter(|colon| words[..*colon].chars().count() <= SHORT);
    let (large, rest) = words.split_at(short.unwrap_or(end));
    html! {
        strong { (large) }
        @if !rest.is_empty() { " " span.evidence { (rest.trim_start()) } }
    }
}

/// How the verdict looks: one that is withheld does not look like one.
pub(super) fn verdict_class(step: &StepFindings) -> &'static str {
    if step.bottleneck.is_some() { "verdict" } else { "verdict doubt" }
}

/// All that is found in a step, by its place in the run.
pub(super) fn body(review: &Review, index: usize) -> Markup {
    let steps = &review.findings.steps;
    let Some(step) = steps.get(index) else { return html! {} };
    let states = states::of_step(&review.findings, review.asked(), index);
    html! {
        (figures(step))
        (workers::section(&states))
        (evidence::section(step))
        (bounds::section(steps, index))
        (next::section(step))
        (services::section(step))
        (hidden(step))
    }
}

/// The number with its interval, and those that belong to it.
fn figures(step: &StepFindings) -> Markup {
    let rate = step.hashes_per_second.interval;
    let coins = step.coins_per_second;
    if step.rate_is_withheld() {
        return html! {};
    }
    html! {
        section.figures aria-label="The numbers" {
            div.main {
                span.value { (format!("{:.2}", rate.value)) } " hashes/s"
                span.note { "between " (format!("{:.2} and {:.2}", rate.low, rate.high)) }
            }
            div {
                span.value { (format!("{:.2}", coins.value)) } " coins/s"
                span.note { (format!("between {:.2} and {:.2}", coins.low, coins.high)) }
            }
            @if let Some(loop_ms) = step.loop_ms {
                div {
                    span.value { (words::time(Some(loop_ms))) } " a loop"
                    span.note { "from one hash of a worker to its next" }
                }
            }
            @if let Some(closure) = step.closure {
                div {
                    span.value { (format!("{:.1} %", closure * 100.0)) } " closure"
                    span.note { "of the workers' time is accounted for" }
                }
            }
        }
    }
}

/// What the numbers do not show, or should not be believed for.
fn hidden(step: &StepFindings) -> Markup {
    if step.unseen.is_empty() && step.warnings.is_empty() && step.paths.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Hidden limits" }
            @if !step.warnings.is_empty() {
                ul.warnings {
                    @for warning in &step.warnings { li { strong { "Warning: " } (warning) } }
                }
            }
            @if !step.unseen.is_empty() {
                h3 { "What could not be seen" }
                ul { @for what in &step.unseen { li { (what) } } }
            }
            @if !step.paths.is_empty() {
                (evidence::table("Ways between nodes", words::PATH_HEAD,
                    &step.paths.iter().map(words::path_row).collect::<Vec<_>>(), 2))
            }
        }
    }
}
