//! A run with everything a report can tell, made of an ideal app, for the tests of reports.

use std::collections::BTreeMap;

use model::Usl;
use observation::Experiment;

use crate::analyse::tests::ideal;
use crate::analyse::{
    self, ActionFindings, BalancingFindings, CellFindings, Certainty, ConcurrencyFindings,
    ElasticityFindings, Findings, Grid, InjectionFindings, Interval, Method, PredictedState,
    PresentFindings, Reason, RepetitionFindings, ReplicaFindings, ReplicaState, RowLaw,
    ServiceFindings, Slowed, Spreading, StageName, StepFindings, StopFindings, SweepFindings,
    Sweeps, Vote, WallFindings, WarmUpFindings,
};
use crate::cluster::{Replicas, Service};
use crate::measure::Samples;
use crate::record::{DatedPrediction, Host, Recorded, RecordedRun, Run, Scored};
use crate::review::{self, Review};

pub(super) fn replicas(worker: u32, rng: u32) -> Replicas {
    Replicas { worker, rng, hasher: 1 }
}

fn interval(value: f64, half: f64) -> Interval {
    Interval { value, low: value - half, high: value + half }
}

/// The run of some steps, as its directory has it, with nothing but what older versions wrote.
pub(super) fn recorded(steps: Vec<Samples>) -> Recorded {
    let command = ["/usr/bin/bench", "scale", "--worker", "10", "--rng", "1", "--out", "my run"];
    let run = Run {
        sweep: None,
        schema_version: 1,
        command: command.map(str::to_owned).to_vec(),
        bench_version: "0.1.0".to_owned(),
        cluster: "local, started by this command".to_owned(),
        began: "2026-11-22T07:17:32Z".to_owned(),
        host: Host { name: "classroom".to_owned(), system: "Linux 6.12".to_owned(), processors: 2 },
        stop_reason: "done".to_owned(),
        images: BTreeMap::new(),
        seed: None,
        went_on: Vec::new(),
    };
    let run = RecordedRun { run, more: BTreeMap::new() };
    Recorded { run, steps, scored: Scored::default(), prediction: None, sweep: None }
}

/// The review of steps of so many workers and rng replicas.
pub(super) fn review_of(steps: &[(u32, u32)]) -> Review {
    review::review(recorded(steps.iter().map(|(workers, rng)| ideal(*workers, *rng)).collect()))
}

/// Ten workers at one rng with all evidence, verified with a second rng.
pub(super) fn complete() -> Review {
    let samples = [ideal(10, 1), ideal(10, 2)];
    let steps: Vec<StepFindings> = samples.iter().map(analyse::step).collect();
    let prediction = analyse::predict(&steps[0], &samples[0]).unwrap();
    let mut recorded = recorded(samples.to_vec());
    let image = "registry/rng:v1@sha256:0123abcd".to_owned();
    recorded.run.run.images = [("rng".to_owned(), image)].into();
    let mut measured = steps[1].clone();
    measured.hashes_per_second.interval = interval(19.93, 0.21);
    recorded.scored.verification = Some(prediction.clone().score(&measured));
    recorded.prediction = Some(DatedPrediction { made: "2026-11-22T07:18:40Z".into(), prediction });
    let mut review = review::review(recorded);
    evidence(&mut review.findings.steps[0]);
    review.findings.steps[1].services = vec![service(
        Service::Rng,
        &[("rng.1", 0.62, ReplicaState::Crowded), ("rng.2", 0.38, ReplicaState::Straggler)],
    )];
    review
}

/// What two delays, one of which nobody noticed, and a restart did, and why a third said nothing.
pub(super) fn tried(findings: &mut Findings) {
    let injected = |stage: Slowed, injected_ms, rate, elasticity| InjectionFindings {
        replicas: replicas(10, 1),
        stage,
        injected_ms,
        time_ms: [100.0, 100.0 + injected_ms],
        hashes_per_second: [interval(10.0, 0.1), interval(rate, 0.1)],
        elasticity,
        unhindered: 1.0 / 3.0,
        predicted: Some(elasticity.value),
        sentence: format!("{injected_ms} ms more at {}: {rate:.2} hashes/s.", stage.name()),
    };
    findings.injections = vec![
        injected(Slowed::Rng, 10.0, 9.09, interval(1.0, 0.01)),
        injected(Slowed::Hasher, 0.1, 10.0, interval(-0.001, 0.01)),
    ];
    findings.uninjected = Some("the delay did not arrive".to_owned());
    findings.repetitions = vec![RepetitionFindings {
        replicas: replicas(10, 1),
        runs: 3,
        hashes_per_second: interval(10.0, 0.2),
        between_runs: 0.1,
        within_runs: 0.3,
    }];
}

/// A guided sweep of an ideal app, with these policies or none: two cells are measured, seven are not.
pub(super) fn swept(policies: &[Option<&str>]) -> Review {
    let grid = Grid { worker: vec![1, 5, 10], rng: vec![1, 2, 4], hasher: vec![1] };
    let measured = [(5, 1), (10, 2)];
    let samples = policies.iter().flat_map(|policy| {
        let experiment = policy
            .map(|policy| Experiment { policy: Some(policy.to_owned()), ..Experiment::default() });
        measured
            .map(|(worker, rng)| Samples { experiment: experiment.clone(), ..ideal(worker, rng) })
    });
    let cell = |of: Replicas| {
        let (worker, rng) = (f64::from(of.worker) / 0.3, f64::from(of.rng) * 10.0);
        let predicted = interval(worker.min(rng), 0.1);
        let limit = if worker < rng { Service::Worker } else { Service::Rng };
        let is_measured = measured.contains(&(of.worker, of.rng));
        CellFindings {
            replicas: of,
            hashes_per_second: predicted,
            measured: is_measured.then_some(Reason::Knee),
            predicted: Some(predicted),
            error: is_measured.then_some(0.0),
            limit: Some(limit.into()),
            withheld: None,
        }
    };
    let law =
        Usl { single: 3.4, contention: 0.05, coherency: 0.002, lack_of_fit: 0.061, worst: 0.113 };
    let law = RowLaw { rng: 1, hasher: 1, law };
    let sweep = |policy: Option<&str>| SweepFindings {
        policy: policy.map(str::to_owned),
        cells: grid.cells().into_iter().map(cell).collect(),
        grid: grid.clone(),
        ridge: vec![replicas(5, 1), replicas(10, 2)],
        mean_absolute_error: Some(0.0),
        surprises: 0,
        laws: vec![law],
        sentence: "The most of this grid is 33.33 hashes/s, predicted. Measure it.".to_owned(),
    };
    let mut sweeps = Sweeps::none("simulated");
    sweeps.sweeps = policies.iter().copied().map(sweep).collect();
    review::review(Recorded { sweep: Some(sweeps), ..recorded(samples.collect()) })
}

/// Takes away what the model and the replicas tell beyond the measurement.
pub(super) fn bare(step: &mut StepFindings) {
    (step.services, step.certainty, step.unseen) = (Vec::new(), None, Vec::new());
    (step.actions, step.walls, step.elasticities) = (Vec::new(), Vec::new(), None);
    (step.recommended, step.warnings) = (None, Vec::new());
}

/// Fills in what an ideal app's samples do not tell.
pub(super) fn evidence(step: &mut StepFindings) {
    step.hashes_per_second.interval = interval(10.0, 0.08);
    step.hashes_per_second.statistical = Some(0.08);
    step.services = vec![
        service(Service::Rng, &[("rng.1", 1.0, ReplicaState::Typical)]),
        service(Service::Hasher, &[("hasher.1", 1.0, ReplicaState::Typical)]),
    ];
    step.certainty = Some(certainty());
    step.actions = actions();
    step.walls = vec![
        wall(replicas(10, 1), 10.0, Service::Rng),
        wall(replicas(10, 4), 33.3, Service::Worker),
    ];
    step.elasticities = Some(ElasticityFindings { delay: 0.02, rng: 0.97, hasher: 0.01 });
    step.recommended = Some(recommended());
    step.unseen = vec!["queues of the network: they count as the services' own time".to_owned()];
    step.warm_up = Some(WarmUpFindings {
        seconds: 10.2,
        rule: "MSER-5 on rate and rng's times".to_owned(),
        course: "flat".to_owned(),
    });
    step.stopped = Some(StopFindings {
        precision: Some(0.01),
        reached: Some(0.008),
        reason: "the precision that was asked for is reached".to_owned(),
    });
    step.warnings = vec!["2 readings of the counter failed".to_owned()];
}

fn service(service: Service, replicas: &[(&str, f64, ReplicaState)]) -> ServiceFindings {
    let replica = |(name, share, state): &(&str, f64, ReplicaState)| {
        let straggles = *state == ReplicaState::Straggler;
        let findings = ReplicaFindings {
            requests: 600,
            share: *share,
            service_ms: Some(if straggles { 201.0 } else { 100.1 }),
            queue_ms: Some(200.0 * share),
            utilisation: Some(share.min(1.0)),
            state: *state,
        };
        ((*name).to_owned(), findings)
    };
    let several = replicas.len() > 1;
    ServiceFindings {
        service,
        replicas: replicas.iter().map(replica).collect(),
        concurrency: ConcurrencyFindings {
            declared: Some(1),
            unlimited: false,
            seen: Some(1.0),
            sentence: "Each replica works on 1 request at a time, as it says.".to_owned(),
        },
        balancing: several.then(|| BalancingFindings {
            declared: vec!["round-robin".to_owned()],
            seen: Spreading::Uneven,
            cost_hashes_per_second: Some(interval(1.2, 0.4)),
            sentence: "Requests are spread unevenly beyond chance.".to_owned(),
        }),
    }
}

fn certainty() -> Certainty {
    let vote = |method, service, value, sentence: &str| Vote {
        method,
        service,
        value,
        sentence: sentence.to_owned(),
    };
    let rng = Some(Service::Rng);
    Certainty {
        probability: Interval { value: 0.99, low: 0.97, high: 1.0 },
        draws: 500,
        block_seconds: 4.2,
        votes: vec![
            vote(Method::Utilisation, rng, Some(1.0), "rng is 100 % busy"),
            vote(Method::QueueLength, rng, Some(7.0), "7.0 workers wait at rng"),
            vote(
                Method::Elasticity,
                Some(Service::Worker),
                Some(0.5),
                "the rate depends on delays",
            ),
            vote(Method::InjectedDelay, None, None, "no delay was put in (--inject)"),
        ],
    }
}

fn actions() -> Vec<ActionFindings> {
    let action = |action: &str, replicas, containers, rate, gain| ActionFindings {
        action: action.to_owned(),
        replicas,
        containers,
        hashes_per_second: rate,
        gain,
    };
    vec![
        action("rng 1 to 4", Some(replicas(10, 4)), 3, interval(33.3, 0.6), 2.33),
        action("rng 1 to 2", Some(replicas(10, 2)), 1, interval(20.0, 0.3), 1.0),
        action("worker 10 to 11", Some(replicas(11, 1)), 1, interval(10.0, 0.15), 0.0),
    ]
}

fn wall(replicas: Replicas, rate: f64, limit: Service) -> WallFindings {
    WallFindings {
        replicas,
        hashes_per_second: interval(rate, 0.3),
        limits: vec![limit],
        sentence: format!("{rate:.2} hashes/s: {} limits", limit.name()),
    }
}

fn recommended() -> PredictedState {
    let at = |stage, present, waiting| PresentFindings { stage, present, waiting };
    PredictedState {
        replicas: replicas(10, 2),
        hashes_per_second: interval(20.0, 0.3),
        present: vec![
            at(StageName::Think, 2.0, 0.0),
            at(StageName::Rng, 6.0, 4.0),
            at(StageName::Hasher, 2.0, 0.0),
        ],
    }
}
