//! Anything as one JSON document; of findings the same that `findings.json` holds.

use serde::Serialize;

pub(super) fn pretty(value: &impl Serialize) -> String {
    match serde_json::to_string_pretty(value) {
        Ok(text) => text + "\n",
        Err(error) => format!("{}\n", serde_json::json!({ "error": error.to_string() })),
    }
}
