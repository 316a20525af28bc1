//! Findings as text: pure functions, one file for each format. Nothing here prints or decides.

pub mod advice;
pub mod compare;
mod csv;
mod evidence;
mod html;
mod json;
mod markdown;
pub mod ports;
mod provenance;
mod states;
pub mod status;
pub mod sweep;
mod table;
mod words;

use crate::analyse::Findings;
use crate::cli::{Format, ReportFormat};
use crate::review::Review;

/// What findings look like as JSON, as JSON Schema (draft 2020-12).
pub const FINDINGS_SCHEMA: &str = include_str!("../../../../docs/schema/findings.schema.json");

/// The findings in the format asked for, ending in a newline.
#[must_use]
pub fn render(findings: &Findings, format: Format) -> String {
    match format {
        Format::Table => table::render(findings),
        Format::Json => json::pretty(findings),
        Format::Csv => csv::render(findings),
        Format::Markdown => markdown::render(findings, None),
    }
}

/// A recorded run in the format asked for, ending in a newline.
#[must_use]
pub fn review(review: &Review, format: ReportFormat) -> String {
    let findings = &review.findings;
    match format {
        ReportFormat::Html => html::render(review),
        ReportFormat::Markdown => markdown::render(findings, Some(review)),
        ReportFormat::Json => json::pretty(findings),
        ReportFormat::Csv => csv::render(findings),
        ReportFormat::Table => {
            table::render(findings) + &review.sweep.as_ref().map_or_else(String::new, sweep::tables)
        }
    }
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
