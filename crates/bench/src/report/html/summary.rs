//! Several steps at a glance: what the best one does, all of them as a table, and, of a grid of
//! workers and rng, as a map.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::{bounds, words};
use crate::analyse::StepFindings;
use crate::review::Review;

/// The summary of the steps that were asked for.
pub(super) fn several(review: &Review, steps: &[StepFindings]) -> Markup {
    let rate = |step: &StepFindings| step.hashes_per_second.interval.value;
    let at = (0..steps.len()).max_by(|a, b| rate(&steps[*a]).total_cmp(&rate(&steps[*b])));
    let best = at.and_then(|at| steps.get(at));
    html! {
        header {
            p.kicker { "DockerCoins, " (review.findings.cluster) }
            h1.verdict {
                @match best {
                    Some(best) => {
                        strong { (format!("{:.2} hashes/s is the most", rate(best))) }
                        " " span.evidence {
                            "of " (steps.len()) " steps: with " (words::replicas(best)) ". "
                            (words::verdict(best))
                        }
                    }
                    None => "Nothing was measured.",
                }
            }
        }
        @if let Some(at) = at {
            section {
                h2 { "All steps" }
                (table(steps))
            }
            (map(steps))
            (bounds::section(steps, at))
        }
    }
}

fn table(steps: &[StepFindings]) -> Markup {
    html! {
        div.scroll {
            table {
                caption { "Each step; its number leads to what was found in it" }
                thead {
                    tr {
                        th scope="col" { "step" }
                        @for name in words::STEP_HEAD { th.number scope="col" { (name) } }
                    }
                }
                tbody {
                    @for (number, step) in (1..).zip(steps) {
                        tr {
                            th scope="row" { a href=(format!("#step-{number}")) { (number) } }
                            @for cell in words::step_row(step) { td.number { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// Rates by rng and workers, for one number of hashers and enough of both others.
fn map(steps: &[StepFindings]) -> Markup {
    let all = |of: fn(&StepFindings) -> u32| steps.iter().map(of).collect::<BTreeSet<u32>>();
    let workers = all(|step| step.replicas.worker);
    let (rngs, hashers) = (all(|step| step.replicas.rng), all(|step| step.replicas.hasher));
    if hashers.len() != 1 || workers.len() < 2 || rngs.len() < 2 {
        return html! {};
    }
    let most = steps.iter().map(|step| step.hashes_per_second.interval.value).fold(0.0, f64::max);
    let at = |worker: u32, rng: u32| {
        steps.iter().rev().find(|s| s.replicas.worker == worker && s.replicas.rng == rng)
    };
    html! {
        section {
            h2 { "The map" }
            div.scroll {
                table.map {
                    caption { "Hashes/s by workers (down) and rng replicas (across); in brackets what limits" }
                    thead { tr { th scope="col" { "workers" }
                        @for rng in &rngs { th.number scope="col" { (rng) " rng" } } } }
                    tbody {
                        @for worker in &workers {
                            tr {
                                th scope="row" { (worker) }
                                @for rng in &rngs { (cell(at(*worker, *rng), most)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(step: Option<&StepFindings>, most: f64) -> Markup {
    let Some(step) = step else { return html! { td.number { "–" } } };
    let rate = step.hashes_per_second.interval.value;
    // Ten shades: a page without scripts sets no colours of its own.
    let shade = (rate / most.max(f64::MIN_POSITIVE) * 9.0).round().clamp(0.0, 9.0);
    let limit = step.bottleneck.as_ref().map_or("?", |bottleneck| bottleneck.service.name());
    html! {
        td class=(format!("number shade-{shade:.0}")) {
            (format!("{rate:.2}")) " " span.limit { "(" (limit) ")" }
        }
    }
}
