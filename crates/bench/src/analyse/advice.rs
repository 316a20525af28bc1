//! The fewest containers for a rate, or the best use of a number of them, and the walls behind that.
//! Pure: an app as the model has it in, a plan out.

use model::{Effort, Estimate, Impossible, Resource, Scenario};
use serde::{Deserialize, Serialize};

use super::prediction::MODEL_ERROR;
use super::scenario::{RNG, replicas_of};
use super::verdict::counted;
use super::{Interval, SCHEMA_VERSION};
use crate::cluster::{Replicas, Service};

/// Walls that are told: the one that limits the plan and those behind it.
const WALLS: usize = 3;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The fewest containers for a rate in hashes per second.
    TargetPerSecond(f64),
    /// The best use of so many more containers.
    MoreContainers(u32),
}

/// A plan, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Version of this shape; fields are added within a version, never renamed.
    pub schema_version: u32,
    /// Of which app.
    pub app: String,
    /// What was wanted.
    pub question: Question,
    /// The replicas there are.
    pub now: Replicas,
    /// What they are predicted to do.
    pub now_per_second: Interval,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanFindings>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// What makes it doubtful.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What would limit the plan, what gets over that, and what limits then.
    pub walls: Vec<WallFindings>,
}

/// How many of what, and what that brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanFindings {
    /// The replicas.
    pub replicas: Replicas,
    /// All of them: those of Redis and webui are not counted.
    pub containers: u32,
    /// With fewer nothing could reach that rate, whatever the policy.
    pub at_least: u32,
    /// The prediction.
    pub hashes_per_second: Interval,
    /// In a sentence.
    pub sentence: String,
}

/// What keeps the rate where it is, and what it takes to get over it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WallFindings {
    /// The replicas at this wall.
    pub replicas: Replicas,
    /// The rate there.
    pub hashes_per_second: Interval,
    /// What limits there.
    pub limits: Vec<Service>,
    /// In a sentence.
    pub sentence: String,
}

/// Answers a question about an app, called `app`.
///
/// # Errors
/// When the app is larger or slower than can be simulated.
pub fn advise(app: String, scenario: &Scenario, question: Question) -> Result<Advice, Impossible> {
    let effort = Effort::default();
    let found = match question {
        Question::TargetPerSecond(rate) => scenario.plan_for(rate, effort)?,
        Question::MoreContainers(budget) => Some(scenario.best_use(budget, effort)?),
    };
    let now = replicas_of(&scenario.deployment());
    let withheld = found.is_none().then(|| {
        "the search did not reach it: more containers bring nothing with this policy, or too little \
         at a time"
            .to_owned()
    });
    let walls = match &found {
        Some(plan) => scenario.deployed(&plan.deployment)?.walls(WALLS, effort)?,
        None => Vec::new(),
    };
    Ok(Advice {
        schema_version: SCHEMA_VERSION,
        app,
        question,
        now,
        now_per_second: interval(&scenario.predict(effort)?),
        plan: found.map(|plan| planned(question, now, &plan)),
        withheld,
        warnings: Vec::new(),
        walls: walls.iter().map(wall).collect(),
    })
}

fn planned(question: Question, now: Replicas, plan: &model::Plan) -> PlanFindings {
    let replicas = replicas_of(&plan.deployment);
    let hashes_per_second = interval(&plan.throughput);
    let all = counted(u64::from(plan.containers), "container");
    let rate = hashes_per_second.value;
    let sentence = match question {
        Question::TargetPerSecond(target) => {
            let proof = match plan.containers == plan.at_least {
                true => "none can do with fewer".to_owned(),
                false => format!("none can do with fewer than {}", plan.at_least),
            };
            format!(
                "{target} hashes/s take {}: {all}, {proof}. Predicted: {rate:.2} hashes/s.",
                named(replicas)
            )
        }
        Question::MoreContainers(budget) => {
            let used = plan.containers.saturating_sub(total(now));
            let rest = budget.saturating_sub(used);
            let left = match (rest, used) {
                (0, _) => String::new(),
                (_, 0) => " More would bring next to nothing.".to_owned(),
                (rest, _) => format!(" The other {rest} would bring next to nothing."),
            };
            format!("Best is {}: {rate:.2} hashes/s predicted.{left}", named(replicas))
        }
    };
    let (containers, at_least) = (plan.containers, plan.at_least);
    PlanFindings { replicas, containers, at_least, hashes_per_second, sentence }
}

pub(super) fn wall(wall: &model::Wall) -> WallFindings {
    let hashes_per_second = interval(&wall.throughput);
    let limits: Vec<Service> = wall.limits.iter().map(|limit| service(*limit)).collect();
    let names: Vec<_> = limits.iter().map(|limit| limit.name()).collect();
    let add: Vec<_> = wall
        .add
        .iter()
        .map(|(kind, number)| match service(*kind) {
            Service::Worker => counted(u64::from(*number), "more worker"),
            other => format!("{number} more {}", other.name()),
        })
        .collect();
    let over = match add.is_empty() {
        true => "more of everything is needed to get on".to_owned(),
        false => format!("{} to get on", add.join(" and ")),
    };
    let verb = if names.len() == 1 { "limits" } else { "limit" };
    let sentence =
        format!("{:.2} hashes/s: {} {verb}; {over}", hashes_per_second.value, listed(&names));
    WallFindings { replicas: replicas_of(&wall.deployment), hashes_per_second, limits, sentence }
}

/// `worker`, `worker and rng`, `worker, rng and hasher`.
fn listed(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        _ => names.concat(),
    }
}

pub(super) fn service(kind: Resource) -> Service {
    match kind {
        Resource::Workers => Service::Worker,
        Resource::Station(RNG) => Service::Rng,
        Resource::Station(_) => Service::Hasher,
    }
}

/// What a live app would be measured at: the model's own scatter, and how far it is off.
pub(super) fn interval(estimate: &Estimate) -> Interval {
    let (low, high) = estimate.single_run();
    let value = estimate.mean;
    Interval { value, low: low - value * MODEL_ERROR, high: high + value * MODEL_ERROR }
}

fn total(Replicas { worker, rng, hasher }: Replicas) -> u32 {
    worker.saturating_add(rng).saturating_add(hasher)
}

/// Replicas as `12 workers, 4 rng and 1 hasher`.
pub(crate) fn named(Replicas { worker, rng, hasher }: Replicas) -> String {
    format!("{}, {rng} rng and {hasher} hasher", counted(u64::from(worker), "worker"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::scenario::nominal;

    fn asked(now: Replicas, question: Question) -> Advice {
        advise("the nominal app".to_owned(), &nominal(now).unwrap(), question).unwrap()
    }

    #[test]
    fn forty_hashes_take_twelve_workers_and_four_rng() {
        let advice = asked(Replicas::default(), Question::TargetPerSecond(40.0));
        let plan = advice.plan.unwrap();
        assert_eq!(plan.replicas, Replicas { worker: 12, rng: 4, hasher: 1 });
        assert_eq!((plan.containers, plan.at_least), (17, 17));
        assert!((plan.hashes_per_second.value / 40.0 - 1.0).abs() < 0.005, "{plan:?}");
        assert_eq!(
            plan.sentence,
            "40 hashes/s take 12 workers, 4 rng and 1 hasher: 17 containers, none can do with fewer. \
             Predicted: 40.00 hashes/s."
        );
        assert_eq!(advice.walls[0].limits, [Service::Worker, Service::Rng]);
    }

    #[test]
    fn three_more_containers_beside_ten_workers_are_three_rng() {
        let ten = Replicas { worker: 10, rng: 1, hasher: 1 };
        let advice = asked(ten, Question::MoreContainers(3));
        assert!((advice.now_per_second.value - 10.0).abs() < 0.05, "{advice:?}");
        let plan = advice.plan.unwrap();
        assert_eq!(plan.replicas, Replicas { worker: 10, rng: 4, hasher: 1 });
        assert!(
            plan.sentence.starts_with("Best is 10 workers, 4 rng and 1 hasher: 33.3"),
            "{plan:?}"
        );
    }

    #[test]
    fn what_brings_nothing_is_left_out() {
        let advice = asked(Replicas::default(), Question::MoreContainers(1));
        let plan = advice.plan.unwrap();
        assert_eq!(plan.replicas, Replicas { worker: 2, rng: 1, hasher: 1 });
        assert_eq!(advice.withheld, None);
    }
}
