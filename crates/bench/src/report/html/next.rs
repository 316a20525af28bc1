//! What to do next, what it brings, and what limits then.

use maud::{Markup, html};

use super::svg::percent;
use super::words;
use crate::analyse::{ActionFindings, ElasticityFindings, StepFindings};
use crate::report::evidence;

/// The ladder of actions and the walls behind them.
pub(super) fn section(step: &StepFindings) -> Markup {
    let by_bound = step.bottleneck.is_some() && step.actions.is_empty() && !step.next.is_empty();
    let nothing = step.actions.is_empty() && step.walls.is_empty() && step.elasticities.is_none();
    if nothing && !by_bound {
        return html! {};
    }
    html! {
        section {
            h2 { "What to do next" }
            @if by_bound {
                p.lead { "One more replica, by the bounds alone:" }
                ul { @for line in evidence::by_bounds(step) { li { (line) } } }
            }
            @if !step.actions.is_empty() { (actions(step)) }
            @if !step.walls.is_empty() {
                h3 { "The next walls" }
                ol.walls { @for wall in &step.walls { li { (wall.sentence) } } }
            }
            @if let Some(elasticities) = &step.elasticities { (depends(elasticities)) }
        }
    }
}

/// Each action with what it brings, as a bar beside the rate of now.
fn actions(step: &StepFindings) -> Markup {
    let now = step.hashes_per_second.interval.value;
    let rates = step.actions.iter().map(|action| action.hashes_per_second.high);
    let most = rates.fold(now, f64::max).max(f64::MIN_POSITIVE);
    html! {
        div.scroll {
            table.actions {
                caption { "Predicted by simulating the app as it was measured; the best first" }
                thead {
                    tr {
                        th scope="col" { "do" }
                        th.number scope="col" { "hashes/s then" }
                        th.wide scope="col" { "from now to then" }
                        th.number scope="col" { "gain" }
                        th.number scope="col" { "containers" }
                    }
                }
                tbody { @for action in &step.actions { (rung(action, now, most)) } }
            }
        }
    }
}

fn rung(action: &ActionFindings, now: f64, most: f64) -> Markup {
    let rate = action.hashes_per_second;
    let width = |value: f64| percent((value / most * 100.0).clamp(0.0, 100.0));
    let more = percent(((rate.value - now) / most * 100.0).clamp(0.0, 100.0));
    html! {
        tr {
            th scope="row" { (action.action) }
            td.number title=(format!("{:.2} to {:.2}", rate.low, rate.high)) {
                (format!("{:.2}", rate.value))
                span.note { (format!("{:.2} to {:.2}", rate.low, rate.high)) }
            }
            td.wide {
                svg.mini aria-hidden="true" width="100%" height="18" {
                    rect.now x="0" y="2" width=(width(now.min(rate.value))) height="14" {}
                    rect.gain x=(width(now)) y="2" width=(more) height="14" {}
                }
            }
            td.number { (evidence::gain(action.gain)) }
            td.number { (action.containers) }
        }
    }
}

/// What the rate depends on, in shares that sum to one.
fn depends(elasticities: &ElasticityFindings) -> Markup {
    let ElasticityFindings { delay, rng, hasher } = *elasticities;
    let rows = [("think", "pure delays", delay), ("rng", "rng", rng), ("hasher", "hasher", hasher)];
    html! {
        h3 { "What the rate depends on" }
        p.lead {
            "By how many per cent the rate falls when a time grows by one per cent. Together they \
             make one."
        }
        div.scroll {
            table.depends {
                caption { "Elasticities, in the model of the measured app" }
                tbody {
                    @for (class, name, value) in rows {
                        tr {
                            th scope="row" { (name) }
                            td.number { (words::fixed(value, 2)) }
                            td.wide {
                                svg.mini aria-hidden="true" width="100%" height="18" {
                                    rect class=(format!("part {class}")) x="0" y="2" height="14"
                                        width=(percent(value.clamp(0.0, 1.0) * 100.0)) {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
