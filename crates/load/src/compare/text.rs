//! The comparison for people: a table of 80 columns, then what the gate says, then warnings.

use std::fmt::Write as _;

use super::verdict::{Verdict, cell};
use super::{Comparison, Line};
use crate::words::{nanoseconds, percent, rate};

/// The comparison for people.
#[must_use]
pub fn text(comparison: &Comparison) -> String {
    let [before, after] = comparison.runs;
    let mut text = match before.max(after) {
        1 => String::new(),
        _ => format!("medians of {before} and {after} runs\n\n"),
    };
    let _ = writeln!(
        text,
        "  {:<10}{:>10}{:>10}{:>9}  95 % confidence",
        "", "before", "after", "change"
    );
    for line in &comparison.lines {
        let _ = writeln!(text, "{}", row(line).trim_end());
    }
    if let Some(slower) = comparison.slower_in_pairs {
        let _ = writeln!(
            text,
            "\nOf a request before and one after, the one after is the slower in {} of\npairs (50% when \
             nothing changed).",
            percent(slower)
        );
    }
    let judged = comparison.gate.as_ref().map_or(&[][..], |gate| &gate.judged);
    for line in &comparison.lines {
        // What neither side has and no gate judges needs no words.
        let matters = line.before.or(line.after).is_some() || judged.contains(&&*line.name);
        let open =
            matches!(line.verdict, Some(Verdict::NotJudged { .. } | Verdict::Undecided { .. }));
        if let Some(text_of) = line.text.as_ref().filter(|_| matters && open) {
            let _ = write!(text, "\n{text_of}");
        }
    }
    if let Some(gate) = &comparison.gate {
        let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
        let _ = write!(text, "{gap}--fail-if-slower {}: {}", percent(gate.found.limit), gate.text);
    }
    for warning in &comparison.warnings {
        let _ = write!(text, "\nwarning: {warning}");
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn row(line: &Line) -> String {
    let (name, shown): (_, fn(f64) -> String) = match line.metric {
        Some(super::Metric::Rate) => ("requests/s", rate),
        Some(metric) => (metric.title(), |milliseconds| nanoseconds(milliseconds * 1e6)),
        None => ("errors", percent),
    };
    let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), shown);
    let change = line.change.map_or_else(String::new, signed);
    let interval = line.interval.as_ref();
    let interval =
        interval.map_or_else(String::new, |i| format!("{} to {}", signed(i.low), signed(i.high)));
    let words = line.verdict.as_ref().map_or("", cell);
    format!(
        "  {name:<10}{:>10}{:>10}{change:>9}  {interval:<20} {words}",
        value(line.before),
        value(line.after)
    )
}

/// `+3.1%`, and no -0.0 of what is rounded to nothing.
fn signed(share: f64) -> String {
    format!("{:+.1}%", (share * 1000.0).round() / 10.0 + 0.0)
}
