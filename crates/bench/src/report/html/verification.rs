//! What was predicted, and what was measured then.

use maud::{Markup, html};

use super::svg::{Scale, chart, percent, tick_words};
use super::{provenance, words};
use crate::analyse::{Interval, Verification};
use crate::review::Review;

const HEIGHT: u32 = 150;
/// Beside the intervals there is so much of their width.
const MARGIN: f64 = 0.35;

/// The prediction and what came of it, where there was one.
pub(super) fn section(review: &Review) -> Markup {
    let findings = &review.findings;
    let made = review.prediction.as_ref().map(|prediction| provenance::moment(&prediction.made));
    let Some((sentence, held)) = words::verification(findings) else {
        return match &review.prediction {
            Some(dated) => html! {
                section {
                    h2 { "Predicted, and not measured" }
                    p { (dated.prediction.sentence()) "." }
                }
            },
            None => html! {},
        };
    };
    html! {
        section {
            h2 { @if findings.verification.is_some() { "Did the prediction hold?" }
                 @else { "The prediction was not verified" } }
            p class=(if held { "outcome good" } else { "outcome doubt" }) { (sentence) }
            @if let Some(verification) = &findings.verification {
                figure { (picture(verification)) }
            }
            @if let Some(made) = made {
                p.note {
                    "Written down at " (made) ", before it was tried."
                }
            }
        }
    }
}

/// The predicted interval above the measured one, on an axis that shows little else.
fn picture(verification: &Verification) -> Markup {
    let predicted = verification.prediction.hashes_per_second;
    let measured = verification.measured;
    let (low, high) = (predicted.low.min(measured.low), predicted.high.max(measured.high));
    let margin = ((high - low) * MARGIN).max(high.abs() * 0.005).max(f64::MIN_POSITIVE);
    let x = Scale { low: low - margin, high: high + margin, from: 2.0, to: 98.0 };
    let ticks = x.ticks(5.0);
    let words = |interval: Interval| {
        format!("{:.2} hashes/s ({:.2} to {:.2})", interval.value, interval.low, interval.high)
    };
    let shows = format!("Predicted {}; measured {}", words(predicted), words(measured));
    let content = html! {
        @for tick in &ticks {
            line.grid x1=(x.x(*tick)) x2=(x.x(*tick)) y1="8" y2="120" {}
            text.tick x=(x.x(*tick)) y="138" text-anchor="middle" { (tick_words(*tick, &ticks)) }
        }
        rect.promised x=(x.x(predicted.low)) y="8" height="112"
            width=(percent(x.at(predicted.high) - x.at(predicted.low))) {}
        (row(&x, predicted, ("predicted ", 46.0), "promise"))
        (row(&x, measured, ("measured ", 98.0), "own"))
    };
    chart(HEIGHT, &shows, &content)
}

/// An interval lying, its words above it.
fn row(x: &Scale, interval: Interval, (name, y): (&str, f64), class: &str) -> Markup {
    html! {
        line class=(format!("whisker {class}")) x1=(x.x(interval.low)) x2=(x.x(interval.high))
            y1=(y) y2=(y) {}
        circle class=(format!("point {class}")) cx=(x.x(interval.value)) cy=(y) r="7" {}
        text.label.strong x=(x.x(interval.value)) y=(y - 15.0) text-anchor="middle" {
            (name) (format!("{:.2}", interval.value))
        }
    }
}
