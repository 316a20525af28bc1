//! Findings as text: pure functions, one file for each format. Nothing here prints or decides.

pub mod advice;
pub mod compare;
mod csv;
mod json;
mod markdown;
pub mod ports;
pub mod status;
pub mod sweep;
mod table;
mod words;

use crate::analyse::Findings;
use crate::cli::Format;

/// The findings in the format asked for, ending in a newline.
#[must_use]
pub fn render(findings: &Findings, format: Format) -> String {
    match format {
        Format::Table => table::render(findings),
        Format::Json => json::pretty(findings),
        Format::Csv => csv::render(findings),
        Format::Markdown => markdown::render(findings),
    }
}

#[cfg(test)]
mod tests;
