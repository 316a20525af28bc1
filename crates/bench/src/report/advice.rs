//! A plan as text or as JSON.

use std::fmt::Write as _;

use super::table::{DOUBT, FAINT, GOOD};
use crate::analyse::advice::named;
use crate::analyse::{Advice, Interval};
use crate::cli::StatusFormat;

/// The advice in `format`.
#[must_use]
pub fn render(advice: &Advice, format: StatusFormat) -> String {
    match format {
        StatusFormat::Table => text(advice),
        StatusFormat::Json => super::json::pretty(advice),
    }
}

fn text(advice: &Advice) -> String {
    let mut text = format!("app  {}\n\n", advice.app);
    let now = named(advice.now);
    let Interval { value, .. } = advice.now_per_second;
    let _ = writeln!(text, "{FAINT}now {now}: {value:.2} hashes/s predicted{FAINT:#}");
    if let Some(plan) = &advice.plan {
        let Interval { low, high, .. } = plan.hashes_per_second;
        let _ = writeln!(text, "{GOOD}{}{GOOD:#}", plan.sentence);
        let _ = writeln!(text, "{FAINT}to be measured between {low:.2} and {high:.2}{FAINT:#}");
    }
    if let Some(reason) = &advice.withheld {
        let _ = writeln!(text, "{DOUBT}No plan: {reason}.{DOUBT:#}");
    }
    for warning in &advice.warnings {
        let _ = writeln!(text, "{DOUBT}warning: {warning}{DOUBT:#}");
    }
    if !advice.walls.is_empty() {
        text.push_str("\nThe next walls:\n");
    }
    for (number, wall) in (1..).zip(&advice.walls) {
        let _ = writeln!(text, "  {number}. {}", wall.sentence);
    }
    text
}
