//! How it was measured: everything one needs to doubt the numbers, or to get them again.

use maud::{Markup, html};

use super::provenance::{self, Line};
use crate::analyse::StepFindings;
use crate::review::Review;

/// How all of the run was measured; of a run with one step asked for, that step too.
pub(super) fn section(review: &Review) -> Markup {
    let run = &review.run.run;
    let command = provenance::command(&run.command);
    html! {
        section.honesty {
            h2 { "How it was measured" }
            @if run.stop_reason != "done" {
                p.outcome.doubt { "The run did not come to its end: " (run.stop_reason) }
            }
            @if review.asked() == 1 { (list(&step_lines(review, 0))) }
            (list(&provenance::run(review)))
            p.lead { "The same again:" }
            pre { code { (command) } }
        }
    }
}

/// How one of several steps was measured.
pub(super) fn of_step(review: &Review, index: usize) -> Markup {
    html! {
        section.honesty {
            h2 { "How this step was measured" }
            (list(&step_lines(review, index)))
        }
    }
}

fn step_lines(review: &Review, index: usize) -> Vec<Line> {
    let Some(step) = review.findings.steps.get(index) else { return Vec::new() };
    let mut lines = provenance::step(step);
    if let Some(readings) = review.readings.get(index) {
        lines.push((
            "readings".to_owned(),
            format!("{} of the counter, {} failed", readings.taken, readings.failed),
        ));
    }
    lines.extend(errors(step));
    lines
}

fn errors(step: &StepFindings) -> Option<Line> {
    let kinds: Vec<String> = step.errors.iter().map(|(kind, n)| format!("{n} x {kind}")).collect();
    (!kinds.is_empty()).then(|| ("failed requests".to_owned(), kinds.join(", ")))
}

fn list(lines: &[Line]) -> Markup {
    html! {
        dl { @for (name, value) in lines { div { dt { (name) } dd { (value) } } } }
    }
}
