//! Waits until all workers carry out an experiment, or none any more. Workers look for one with each
//! flush, and flush once a second, or at the end of a loop that takes longer.

use std::collections::BTreeMap;
use std::time::Duration;

use observation::{Experiment, Observation, Totals};
use tokio::time::Instant;

use crate::analyse;
use crate::cluster::Replicas;
use crate::failure::Failure;
use crate::measure::{App, Moment};

/// How often it is looked.
const LOOK_PERIOD: Duration = Duration::from_millis(200);
/// How long it may take,
const AT_LEAST: Duration = Duration::from_secs(15);
/// or so many loops, where these take longer.
const LOOPS: f64 = 2.0;

/// Waits until all workers report an experiment like this one, or none.
///
/// # Errors
/// When some do not in time.
pub(super) async fn wait(
    app: &mut App,
    replicas: Replicas,
    wanted: Option<&Experiment>,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut reporting = Reporting::default();
    let mut first = None;
    loop {
        let seen = app.observe_briefly().await.ok();
        let (mut obeying, mut loop_s) = (0, 0.0);
        if let Some(seen) = &seen {
            obeying = reporting.obeying(seen, wanted);
            let now = Moment::of(seen);
            let first = first.get_or_insert_with(|| now.clone());
            let never = Moment { now_us: 0, totals: Totals::default() };
            let since = |earlier: &Moment| analyse::told_loop_s(&[earlier.clone(), now.clone()]);
            loop_s = since(first).into_iter().chain(since(&never)).fold(0.0, f64::max);
        }
        if obeying >= replicas.worker && obeying == reporting.alive() {
            return Ok(());
        }
        let patience = Duration::try_from_secs_f64(LOOPS * loop_s).unwrap_or_default();
        if begin.elapsed() > patience.max(AT_LEAST) {
            let after = begin.elapsed().as_secs();
            let of = format!("{obeying} of {} workers carry it out", replicas.worker);
            return Err(Failure::Experiment(format!(
                "{of} after {after} s; see WORKER_ALLOW_EXPERIMENTS"
            )));
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
}

/// Which workers are alive: those of which a new report came. Reports of dead ones stay for minutes.
#[derive(Debug, Default)]
struct Reporting {
    /// The first report of each, and whether another one came.
    seen: BTreeMap<String, (u64, bool)>,
}

impl Reporting {
    /// How many living workers report an experiment as wanted.
    fn obeying(&mut self, seen: &Observation, wanted: Option<&Experiment>) -> u32 {
        let mut obeying = 0;
        for report in &seen.workers {
            let (first_us, is_alive) =
                self.seen.entry(report.id.clone()).or_insert((report.at_us, false));
            *is_alive |= report.at_us > *first_us;
            let as_wanted = match (&report.experiment, wanted) {
                (Some(told), Some(wanted)) => told.is_like(wanted),
                (told, wanted) => told.is_none() && wanted.is_none(),
            };
            obeying += u32::from(*is_alive && as_wanted);
        }
        obeying
    }

    /// How many workers are known to be alive.
    fn alive(&self) -> u32 {
        self.seen.values().map(|(_, is_alive)| u32::from(*is_alive)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;
    use crate::cluster::sim::Simulated;

    fn experiment() -> Experiment {
        Experiment { rng_us: 10_000, seconds: 1, ..Experiment::default() }
    }

    #[test]
    fn reports_that_stay_of_dead_workers_do_not_count() {
        let mut seen = ideal(3, 1).first;
        let mut reporting = Reporting::default();
        let wanted = Some(&experiment());
        assert_eq!((reporting.obeying(&seen, wanted), reporting.alive()), (0, 0));
        for report in &mut seen.workers[..2] {
            report.at_us += 1;
            report.experiment = Some(Experiment { seconds: 20, ..experiment() });
        }
        assert_eq!((reporting.obeying(&seen, wanted), reporting.alive()), (2, 2));
        assert_eq!((reporting.obeying(&seen, None), reporting.alive()), (0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn workers_whose_loops_take_long_are_waited_for() {
        let replicas = Replicas { worker: 200, rng: 1, hasher: 1 };
        let simulated = Simulated::start(&[], replicas).unwrap();
        let mut app = App::simulated(simulated.clone());
        tokio::time::sleep(Duration::from_mins(2)).await;
        let begin = Instant::now();
        simulated.experiment(Some(&experiment())).unwrap();
        wait(&mut app, replicas, Some(&experiment())).await.unwrap();
        // A loop of theirs takes 20 s.
        assert!(begin.elapsed() > AT_LEAST, "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn workers_that_do_not_obey_are_given_up() {
        let replicas = Replicas { worker: 3, rng: 1, hasher: 1 };
        let mut app = App::simulated(Simulated::start(&[], replicas).unwrap());
        let told = wait(&mut app, replicas, Some(&experiment())).await.unwrap_err().to_string();
        assert!(told.contains("0 of 3 workers carry it out"), "{told}");
    }
}
