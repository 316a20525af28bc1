//! Several steps at a glance: what the best one does, or what is known of the whole grid, all steps
//! as a table, and, of a grid of workers and rng, as a map.

use maud::{Markup, html};

use super::{bounds, map, step, words};
use crate::analyse::verdict::counted;
use crate::analyse::{StepFindings, Sweeps};
use crate::review::Review;

/// The summary of the steps that were asked for.
pub(super) fn several(review: &Review, steps: &[StepFindings]) -> Markup {
    let rate = |at: usize| steps.get(at).map_or(0.0, |s| s.hashes_per_second.interval.value);
    let has_verdict = |at: &usize| steps.get(*at).is_some_and(|step| step.bottleneck.is_some());
    let most = |places: Vec<usize>| places.into_iter().max_by(|a, b| rate(*a).total_cmp(&rate(*b)));
    let best = most((0..steps.len()).filter(has_verdict).collect());
    let at = best.or_else(|| most((0..steps.len()).collect()));
    html! {
        header {
            p.kicker { "DockerCoins, " (review.findings.cluster) }
            @match &review.sweep {
                Some(sweeps) => (of_sweep(sweeps)),
                None => (of_steps(steps, best.and_then(|best| steps.get(best)))),
            }
        }
        @if let Some(sweeps) = &review.sweep { (map::of_sweeps(sweeps)) }
        @if let Some(at) = at {
            section {
                h2 { "All steps" }
                (table(steps))
            }
            @if review.sweep.is_none() { (map::of_steps(steps)) }
            (bounds::section(steps, at))
        }
    }
}

/// The most that any step with a verdict does, and how many have none.
fn of_steps(steps: &[StepFindings], best: Option<&StepFindings>) -> Markup {
    let without = steps.iter().filter(|step| step.bottleneck.is_none()).count();
    let all = counted(steps.len() as u64, "step");
    let have = if without == 1 { "has" } else { "have" };
    let doubt = format!("{without} of {all} {have} no verdict.");
    let Some(best) = best else {
        return html! {
            h1.verdict.doubt {
                @if steps.is_empty() { "Nothing was measured." } @else { strong { (doubt) } }
            }
        };
    };
    html! {
        h1.verdict {
            strong {
                (format!("{:.2} hashes/s is the most", best.hashes_per_second.interval.value))
            }
            " " span.evidence {
                "of " (all) ": with " (words::replicas(best)) ". " (words::verdict(best))
            }
        }
        @if without > 0 { p.outcome.doubt { (doubt) } }
    }
}

/// What the sweep says of its grid; of several policies each below the other.
fn of_sweep(sweeps: &Sweeps) -> Markup {
    html! {
        h1.verdict {
            @match sweeps.sweeps.as_slice() {
                [] => "Nothing was measured.",
                [only] => (step::headline(&only.sentence)),
                several => {
                    strong { (several.len()) " policies on one grid" }
                    @for sweep in several {
                        " " span.evidence.line {
                            (sweep.policy.as_deref().unwrap_or("as it was")) ": " (sweep.sentence)
                        }
                    }
                }
            }
        }
    }
}

fn table(steps: &[StepFindings]) -> Markup {
    let (head, rows) = words::steps(steps);
    html! {
        div.scroll {
            table {
                caption { "Each step; its number leads to what was found in it" }
                thead {
                    tr {
                        th scope="col" { "step" }
                        @for name in &head { th.number scope="col" { (name) } }
                    }
                }
                tbody {
                    @for (number, row) in (1..).zip(&rows) {
                        tr {
                            th scope="row" { a href=(format!("#step-{number}")) { (number) } }
                            @for cell in row { td.number { (cell) } }
                        }
                    }
                }
            }
        }
    }
}
