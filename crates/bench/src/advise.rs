//! `bench plan`: reads a recorded run, if one is named, and asks the model. It touches no app.

use std::path::Path;

use model::Scenario;

use crate::analyse::{self, Advice};
use crate::cluster::Replicas;
use crate::failure::{Exit, Failure};
use crate::plan::AdvicePlan;
use crate::record;

/// The plan that was asked for.
///
/// # Errors
/// When there is no run where one was named, it tells too little, or what is asked is too large.
pub fn run(plan: &AdvicePlan) -> Result<Advice, Failure> {
    let (app, scenario) = match &plan.from {
        None => {
            let nominal = analyse::nominal(plan.now.on(Replicas::default()));
            (
                "nominal: 0.1 s of thinking, 0.1 s at rng, 0.1 s at hasher".to_owned(),
                nominal.map_err(impossible)?,
            )
        }
        Some(folder) => (format!("as measured in {}", folder.display()), measured(folder, plan)?),
    };
    let scenario = match plan.policy {
        Some(policy) => analyse::with_policy(&scenario, policy).map_err(impossible)?,
        None => scenario,
    };
    analyse::advise(app, &scenario, plan.question).map_err(impossible)
}

/// The exit code that tells.
#[must_use]
pub fn exit(advice: &Advice) -> Exit {
    if advice.plan.is_some() { Exit::Done } else { Exit::Inconclusive }
}

/// The app of a run's last step, with other replicas where they were named.
fn measured(folder: &Path, plan: &AdvicePlan) -> Result<Scenario, Failure> {
    let refused = |reason: String| Failure::Run { path: folder.to_owned(), reason };
    let steps = record::read_samples(folder).map_err(|error| refused(error.to_string()))?;
    let last = steps.last().ok_or_else(|| refused("it holds no measured step".to_owned()))?;
    let scenario = analyse::measured(last).map_err(|reason| {
        Failure::Untold(format!("no plan from {}: {reason}", folder.display()))
    })?;
    analyse::with_replicas(&scenario, plan.now.on(last.replicas)).map_err(impossible)
}

#[expect(clippy::needless_pass_by_value, reason = "it is an end of the way, as map_err has it")]
fn impossible(error: model::Impossible) -> Failure {
    Failure::Untold(error.to_string())
}
