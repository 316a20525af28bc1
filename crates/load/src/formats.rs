//! A summary and its rows as text. Pure.

mod hlog;
mod text;

use std::fmt::Write as _;

use serde::Serialize;

use crate::rows::Row;
use crate::slo::Verdict;
use crate::summary::Summary;

pub use hlog::hlog;
pub use text::{search, text};

/// What the columns of CSV are.
const COLUMNS: &str =
    "second,sent,answers,good,failures,target_per_second,backlog,p50_ms,p90_ms,p99_ms,max_ms";

/// One JSON document, with what became of the terms of an SLO.
#[must_use]
pub fn json(summary: &Summary, verdicts: &[Verdict]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        summary: &'a Summary,
        #[serde(skip_serializing_if = "<[Verdict]>::is_empty")]
        slo: &'a [Verdict],
    }
    pretty(&Document { summary, slo: verdicts })
}

/// Anything as JSON that people can read too.
#[must_use]
pub(crate) fn pretty(document: &impl Serialize) -> String {
    // Maps with names and numbers cannot fail to be JSON.
    serde_json::to_string_pretty(document).map_or_else(|_| String::new(), |text| text + "\n")
}

/// A JSON document a line, one for each second.
#[must_use]
pub fn ndjson(rows: &[Row]) -> String {
    let lines = rows.iter().filter_map(|row| serde_json::to_string(row).ok());
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// A row for each second below the names of the columns.
#[must_use]
pub fn csv(rows: &[Row]) -> String {
    let mut text = format!("{COLUMNS}\n");
    for row in rows {
        let Row { second, sent, answers, good, failures, backlog, .. } = row;
        let number = |number: Option<f64>| number.map_or_else(String::new, |n| n.to_string());
        let [target, p50, p90, p99, max] =
            [row.target_per_second, row.p50_ms, row.p90_ms, row.p99_ms, row.max_ms].map(number);
        // Writing to memory does not fail.
        let _ = writeln!(
            text,
            "{second},{sent},{answers},{good},{failures},{target},{backlog},{p50},{p90},{p99},{max}"
        );
    }
    text
}

#[cfg(test)]
mod tests;
