//! Findings as one JSON document, the same that `findings.json` holds.

use crate::analyse::Findings;

pub(super) fn render(findings: &Findings) -> String {
    match serde_json::to_string_pretty(findings) {
        Ok(text) => text + "\n",
        Err(error) => format!("{}\n", serde_json::json!({ "error": error.to_string() })),
    }
}
