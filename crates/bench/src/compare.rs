//! `bench compare` of recorded runs: reads both sides and analyses them anew. It touches no app.

use std::path::PathBuf;

use crate::analyse::{self, Comparison, StepFindings};
use crate::failure::{Exit, Failure};
use crate::plan::ComparePlan;
use crate::review;

/// What changed, and what the gate says.
///
/// # Errors
/// When a directory holds no run that can be read, or both sides have nothing in common.
pub fn run(plan: &ComparePlan) -> Result<Comparison, Failure> {
    let (first, second) = (steps(&plan.first)?, steps(&plan.second)?);
    let comparison = analyse::compare(&first, &second, plan.margins)
        .map_err(|refusal| Failure::Untold(refusal.to_string()))?;
    match comparison.replicas.is_empty() {
        true => Err(Failure::Untold(format!(
            "there is nothing to compare: {}",
            comparison.left_out.join("; ")
        ))),
        false => Ok(comparison),
    }
}

/// The exit code that tells.
#[must_use]
pub fn exit(comparison: &Comparison) -> Exit {
    let exit = comparison.gate.as_ref().map_or(0, |gate| gate.found.exit());
    match exit {
        0 => Exit::Done,
        1 => Exit::Failed,
        _ => Exit::Inconclusive,
    }
}

fn steps(folders: &[PathBuf]) -> Result<Vec<StepFindings>, Failure> {
    let mut steps = Vec::new();
    for folder in folders {
        steps.extend(review::read(folder)?.findings.steps);
    }
    Ok(steps)
}
