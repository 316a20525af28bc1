//! `bench plan`: reads a recorded run, if one is named, and asks the model. It touches no app.

use std::path::Path;

use model::{Impossible, Scenario};

use crate::analyse::{self, Advice};
use crate::cluster::Replicas;
use crate::failure::{Exit, Failure};
use crate::plan::AdvicePlan;
use crate::record;

/// An app to plan for.
struct App {
    /// Which.
    words: String,
    scenario: Scenario,
    /// What makes it doubtful.
    warnings: Vec<String>,
}

/// The plan that was asked for.
///
/// # Errors
/// When there is no run where one was named, it tells too little, or what is asked is too large.
pub fn run(plan: &AdvicePlan) -> Result<Advice, Failure> {
    let App { words, mut scenario, warnings } = match &plan.from {
        None => nominal(plan.now.on(Replicas::default()))?,
        Some(folder) => measured(folder, plan)?,
    };
    if let Some(policy) = plan.policy {
        scenario = analyse::with_policy(&scenario, policy).map_err(impossible)?;
    }
    let advice = analyse::advise(words, &scenario, plan.question).map_err(impossible)?;
    Ok(Advice { warnings, ..advice })
}

/// The exit code that tells.
#[must_use]
pub fn exit(advice: &Advice) -> Exit {
    if advice.plan.is_some() { Exit::Done } else { Exit::Inconclusive }
}

fn nominal(replicas: Replicas) -> Result<App, Failure> {
    Ok(App {
        words: "nominal: 0.1 s of thinking, 0.1 s at rng, 0.1 s at hasher".to_owned(),
        scenario: analyse::nominal(replicas).map_err(impossible)?,
        warnings: Vec::new(),
    })
}

/// The app of a run's last step, with other replicas where they were named.
fn measured(folder: &Path, plan: &AdvicePlan) -> Result<App, Failure> {
    let refused = |reason: String| Failure::Run { path: folder.to_owned(), reason };
    let steps = record::read_samples(folder).map_err(|error| refused(error.to_string()))?;
    let last = steps.iter().rfind(|step| !step.is_slowed());
    let last = last.ok_or_else(|| refused("it holds no measured step".to_owned()))?;
    let there = folder.display();
    let scenario = analyse::measured(last)
        .map_err(|reason| Failure::Untold(format!("no plan from {there}: {reason}")))?;
    let warnings = analyse::doubts_of(last, &scenario).map_err(impossible)?;
    let scenario = analyse::with_replicas(&scenario, plan.now.on(last.replicas));
    let scenario = scenario.map_err(impossible)?;
    Ok(App { words: format!("as measured in {there}"), scenario, warnings })
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of a way, as map_err has it")]
fn impossible(error: Impossible) -> Failure {
    Failure::Untold(error.to_string())
}
