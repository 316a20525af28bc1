//! What was tried on purpose beside the steps: a stage made slower, and the same measured again
//! after a restart.

use maud::{Markup, html};

use super::evidence::table;
use super::words;
use crate::analyse::{InjectionFindings, RepetitionFindings};
use crate::review::Review;

const INJECTED: [&str; 6] =
    ["slower at", "by", "hashes/s before", "hashes/s then", "elasticity", "by the model"];
const REPEATED: [&str; 7] =
    ["worker", "rng", "hasher", "runs", "hashes/s", "between runs", "within a run"];

pub(super) fn section(review: &Review) -> Markup {
    let injections: Vec<_> = review.findings.injections.iter().map(injected).collect();
    let repetitions: Vec<_> = review.findings.repetitions.iter().map(repeated).collect();
    html! {
        @if !injections.is_empty() {
            section {
                h2 { "What the rate depends on, tried" }
                p {
                    "Each stage was made a little slower on purpose. An elasticity of 1 means that \
                     the rate falls by as many per cent as the stage takes longer: it is what \
                     everybody waits for. One of 0 means that nobody noticed."
                }
                (table("Delays put in on purpose", INJECTED, &injections, 1))
            }
        }
        @if !repetitions.is_empty() {
            section {
                h2 { "The same again, after a restart" }
                (table("Runs of the same replicas", REPEATED, &repetitions, 0))
            }
        }
        @if let Some(reason) = &review.findings.unrepeated {
            p { "There is no mean over runs: " (reason) "." }
        }
        @if let Some(reason) = &review.findings.uninjected {
            p { "Nothing is said of a delay put in on purpose: " (reason) "." }
        }
    }
}

fn injected(found: &InjectionFindings) -> [String; 6] {
    let [before, then] = found.hashes_per_second;
    let half = (found.elasticity.high - found.elasticity.low) / 2.0;
    [
        found.stage.name().to_owned(),
        format!("{} ms", found.injected_ms),
        format!("{:.2}", before.value),
        format!("{:.2}", then.value),
        format!("{} {}", words::fixed(found.elasticity.value, 2), words::plus_minus(half)),
        found.predicted.map_or_else(|| words::NONE.to_owned(), |by| words::fixed(by, 2)),
    ]
}

fn repeated(found: &RepetitionFindings) -> [String; 7] {
    let all = found.hashes_per_second;
    [
        found.replicas.worker.to_string(),
        found.replicas.rng.to_string(),
        found.replicas.hasher.to_string(),
        found.runs.to_string(),
        format!("{:.2} {}", all.value, words::plus_minus(all.high - all.value)),
        words::plus_minus(found.between_runs),
        words::plus_minus(found.within_runs),
    ]
}
