//! What the verdict stands on: the stages, the independent ways of looking, and how often the
//! same would be said.

use maud::{Markup, html};

use super::words::{self, STAGE_HEAD};
use crate::analyse::{Certainty, Method, StepFindings, Vote, agrees};
use crate::report::evidence;

/// The stages of a step, and how sure its verdict is.
pub(super) fn section(step: &StepFindings) -> Markup {
    let causes = words::causes(step);
    if step.stages.is_empty() && step.certainty.is_none() && causes.is_empty() {
        return html! {};
    }
    let rows: Vec<_> = step.stages.iter().map(words::stage_row).collect();
    html! {
        section {
            h2 { "The evidence" }
            @if !rows.is_empty() {
                (table("Where a loop's time goes, stage by stage", STAGE_HEAD, &rows, 1))
            }
            @if let Some(certainty) = &step.certainty { (sure(certainty, step)) }
            @if !causes.is_empty() {
                h3 { "What else is wrong" }
                ul { @for cause in &causes { li { (cause) } } }
            }
        }
    }
}

fn sure(certainty: &Certainty, step: &StepFindings) -> Markup {
    let agrees = |vote: &Vote| match agrees(step, vote) {
        None => ("silent", "cannot say"),
        Some(true) => ("agrees", "✓ agrees"),
        Some(false) => ("differs", "✗ differs"),
    };
    html! {
        @if certainty.draws > 0 { p { (evidence::probability(certainty)) } }
        @if !certainty.votes.is_empty() {
            div.scroll {
                table.votes {
                    caption { "Independent ways to find the bottleneck" }
                    thead {
                        tr {
                            th scope="col" { "by" }
                            th scope="col" { "it is" }
                            th scope="col" { "because" }
                            th scope="col" { "verdict" }
                        }
                    }
                    tbody {
                        @for vote in &certainty.votes {
                            @let (class, words) = agrees(vote);
                            tr {
                                th scope="row" { (method(vote.method)) }
                                td { (vote.service.map_or("–", |service| service.name())) }
                                td { (vote.sentence) }
                                td class=(class) { (words) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Utilisation => "the busiest station",
        Method::QueueLength => "the longest queue",
        Method::Elasticity => "what the rate depends on",
        Method::InjectedDelay => "a delay put in on purpose",
    }
}

/// A table with its caption; numbers stand to the right from a column on.
pub(super) fn table<const N: usize>(
    caption: &str,
    head: [&str; N],
    rows: &[[String; N]],
    numbers: usize,
) -> Markup {
    let class = |column: usize| (column >= numbers).then_some("number");
    html! {
        div.scroll {
            table {
                caption { (caption) }
                thead {
                    tr { @for (column, name) in head.iter().enumerate() {
                        th scope="col" class=[class(column)] { (name) }
                    } }
                }
                tbody {
                    @for row in rows {
                        tr { @for (column, cell) in row.iter().enumerate() {
                            @if column == 0 { th scope="row" class=[class(0)] { (cell) } }
                            @else { td class=[class(column)] { (cell) } }
                        } }
                    }
                }
            }
        }
    }
}
