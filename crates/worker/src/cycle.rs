//! The loop that gives the app its speed: wait, ask rng, ask hasher, count. Every microsecond of
//! it belongs to a stage, so that the stages of a loop add up to the loop.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use observation::Stage;
use service::pause;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::dependency::{Choice, Dependency, Good, Question};
use crate::experiment::Experiments;
use crate::flush::Coin;
use crate::ledger::Ledger;
use crate::settings::Settings;
use crate::tally::{Account, HASHER, RNG, Tally};
use crate::targets::Targets;

/// A worker process: its virtual workers share all of this.
#[derive(Debug)]
pub(crate) struct Worker {
    rng: Arc<Dependency>,
    hasher: Arc<Dependency>,
    ledger: Ledger,
    tally: Arc<Tally>,
    experiments: Arc<Experiments>,
    think_time: Duration,
    virtual_workers: u32,
    random_path: &'static str,
    bytes: usize,
}

impl Worker {
    pub(crate) fn new(settings: &Settings, replica: String) -> Self {
        let tally = Arc::new(Tally::default());
        let allowed = settings.common.allow_experiments;
        let experiments = Arc::new(Experiments::new(allowed, settings.policy));
        let dependency = |name, targets: &Targets, delay| {
            let (targets, patience) = (targets.clone(), settings.patience());
            Arc::new(Dependency::new(name, targets, Arc::clone(&experiments), delay, patience))
        };
        Self {
            rng: dependency("rng", &settings.rng, |experiment| experiment.rng_us),
            hasher: dependency("hasher", &settings.hasher, |experiment| experiment.hasher_us),
            ledger: Ledger::new(settings, replica, Arc::clone(&tally), Arc::clone(&experiments)),
            tally,
            experiments,
            think_time: settings.think_time,
            virtual_workers: settings.virtual_workers,
            // One string for the life of the process, instead of one per request.
            random_path: Box::leak(format!("/{}", settings.bytes).into_boxed_str()),
            bytes: settings.bytes as usize,
        }
    }

    /// Starts the virtual workers and the look-outs for replicas; they end with the set.
    pub(crate) fn start(self: &Arc<Self>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for dependency in [&self.rng, &self.hasher] {
            let (dependency, tally) = (Arc::clone(dependency), Arc::clone(&self.tally));
            tasks.spawn(async move {
                dependency.renew(|kind| tally.failed(dependency.name, kind)).await;
            });
        }
        let worker = Arc::clone(self);
        tasks.spawn(async move { worker.ledger.flush_when_stuck().await });
        for index in 0..self.virtual_workers {
            let worker = Arc::clone(self);
            // Loops that start together would go round in step and pile up at each stage.
            let share = f64::from(index) / f64::from(self.virtual_workers);
            let delay = self.think_time.mul_f64(3.0 * share);
            tasks.spawn(async move {
                tokio::time::sleep(delay).await;
                worker.run().await;
            });
        }
        tasks
    }

    /// What its loops have counted so far.
    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Adds to Redis what is not there yet, within `patience`; says whether all of it is.
    pub(crate) async fn settle_accounts(&self, patience: Duration) -> bool {
        self.ledger.close(patience).await
    }

    async fn run(&self) {
        loop {
            let begin = Instant::now();
            if self.ledger.flush_due(begin) {
                self.at_redis(self.ledger.flush(begin)).await;
            }
            let think_time = self.think_time + self.experiments.think_time();
            if !think_time.is_zero() {
                let begin = Instant::now();
                pause::until(begin + think_time, self.virtual_workers).await;
                self.tally.took(Stage::Think, begin.elapsed());
            }
            self.one_hash(begin).await;
        }
    }

    async fn one_hash(&self, begin: Instant) {
        let random = Question {
            method: Method::GET,
            path: self.random_path,
            body: Bytes::new(),
            good: Good::Length(self.bytes),
        };
        let bytes = self.ask(&self.rng, RNG, &random).await;
        let hash =
            Question { method: Method::POST, path: "/", body: bytes.clone(), good: Good::Hash };
        let hash = self.ask(&self.hasher, HASHER, &hash).await;
        let coin = hash.starts_with(b"0");
        let _counts = Counts { tally: &self.tally, begin, coin };
        if coin {
            self.at_redis(self.ledger.add_coin(Coin { hash, bytes })).await;
        }
    }

    async fn at_redis(&self, work: impl Future<Output = ()>) {
        let begin = Instant::now();
        work.await;
        self.tally.took(Stage::Redis, begin.elapsed());
    }

    /// Asks until a replica gives a good answer. The attempt that succeeds is the stage's time;
    /// failures and waiting for a replica that may be asked are retrying.
    async fn ask(&self, dependency: &Dependency, account: Account, question: &Question) -> Bytes {
        let first = Instant::now();
        let mut smooth = true;
        loop {
            let Choice { replica, waited } = dependency.choose().await;
            smooth &= !waited;
            let begin = if smooth { first } else { Instant::now() };
            match dependency.ask(&replica, question).await {
                Ok(answer) => {
                    if !smooth {
                        self.tally.took(Stage::Retry, begin - first);
                    }
                    self.tally.answered(account, begin.elapsed(), &answer);
                    return answer.body;
                }
                Err(failure) => {
                    tracing::debug!(dependency = dependency.name, %failure, "request failed");
                    self.tally.failed(dependency.name, &failure.kind());
                    smooth = false;
                }
            }
        }
    }
}

/// A loop that has its hash: it counts, even if the worker is stopped while its coin is written.
struct Counts<'a> {
    tally: &'a Tally,
    begin: Instant,
    coin: bool,
}

impl Drop for Counts<'_> {
    fn drop(&mut self) {
        self.tally.looped(self.begin.elapsed(), self.coin);
    }
}
