//! A recorded run as one page: what holds the app back first, then the number, the evidence, and
//! what makes both doubtful. Nothing is loaded from elsewhere and nothing runs; `maud` escapes
//! whatever comes from the run. `docs/report.md` explains the page to its readers.

mod bounds;
mod classroom;
mod evidence;
mod honesty;
mod map;
mod next;
mod services;
mod step;
mod summary;
mod svg;
mod trials;
mod verification;
mod workers;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{provenance, states, words};
use crate::analyse::StepFindings;
use crate::review::Review;

/// All of the page's looks.
const STYLE: &str = include_str!("style.css");
/// Nothing may be loaded or run; styles are in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page.
pub(super) fn render(review: &Review) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title(review)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (svg::patterns())
                main { (content(review)) }
                footer {
                    "Made by bench " (env!("CARGO_PKG_VERSION"))
                    " from the samples of the run. What each number means: docs/report.md and \
                     docs/measuring.md of the project."
                }
            }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    // Names may hold what no page may.
    text.retain(|character| !character.is_control() || character == '\n');
    text
}

fn title(review: &Review) -> String {
    let asked = review.asked();
    if let Some(sweeps) = &review.sweep {
        let cells: usize = sweeps.sweeps.iter().map(|sweep| sweep.cells.len()).sum();
        return format!("DockerCoins, a grid of {cells} cells, {asked} of them measured");
    }
    match review.findings.steps.first() {
        Some(step) if asked == 1 => {
            format!(
                "{:.2} hashes/s: {}",
                step.hashes_per_second.interval.value,
                words::verdict(step)
            )
        }
        _ => format!("DockerCoins, {asked} steps"),
    }
}

/// One step is told in full. Of several there is a summary first, and each can be opened.
fn content(review: &Review) -> Markup {
    let steps = &review.findings.steps;
    let asked = review.asked();
    let (wanted, tried) = steps.split_at(asked.min(steps.len()));
    // Of a sweep one step is not the whole, however few were measured.
    let alone = if let ([only], None) = (wanted, &review.sweep) { Some(only) } else { None };
    html! {
        @if let Some(only) = alone {
            header {
                p.kicker { (kicker(review, only)) }
                h1 class=(step::verdict_class(only)) { (step::sentence(only)) }
            }
            (step::body(review, 0))
            (trials::section(review))
            (verification::section(review))
            (honesty::section(review))
            (once_a_second(review, 0))
        } @else {
            (summary::several(review, wanted))
            (trials::section(review))
            (verification::section(review))
            @for (index, one) in wanted.iter().enumerate() { (folded(review, index, one, "Step")) }
        }
        @for (offset, one) in tried.iter().enumerate() {
            (folded(review, asked + offset, one, "Measured to verify"))
        }
        @if alone.is_none() { (honesty::section(review)) }
    }
}

/// A step that opens at a click.
fn folded(review: &Review, index: usize, step: &StepFindings, name: &str) -> Markup {
    let rate = step.hashes_per_second.interval.value;
    html! {
        details.step id=(format!("step-{}", index + 1)) {
            summary {
                span.name { (name) @if name == "Step" { " " (index + 1) } }
                " " (words::replicas(step)) " "
                strong { (format!("{rate:.2} hashes/s")) }
            }
            p class=(step::verdict_class(step)) { (step::sentence(step)) }
            (step::body(review, index))
            (honesty::of_step(review, index))
            (once_a_second(review, index))
        }
    }
}

/// What the rate of a step looks like to somebody who reads the counter once a second.
fn once_a_second(review: &Review, index: usize) -> Markup {
    match review.readings.get(index).zip(review.findings.steps.get(index)) {
        Some((readings, step)) => {
            classroom::section(&readings.by_second, step.hashes_per_second.interval)
        }
        None => html! {},
    }
}

/// What was measured, where and when, in one line.
fn kicker(review: &Review, step: &StepFindings) -> String {
    let began = provenance::moment(&review.run.run.began);
    let day = began.split(' ').next().filter(|day| !day.is_empty());
    let began = day.map_or_else(String::new, |day| format!(", {day}"));
    format!("DockerCoins with {}{began}", words::replicas(step))
}

#[cfg(test)]
mod tests;
