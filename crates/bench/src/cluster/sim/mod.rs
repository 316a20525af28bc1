//! An app that is only simulated, under the clock of the runtime: where that is paused, an hour
//! passes in a moment. Everything above sees it as any other cluster.

mod clocks;
mod conditions;
mod ledger;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use model::Running;
use observation::{Experiment, Observation};
use tokio::time::Instant;

use super::{Change, Replicas, Service, ServiceStatus, Status};
use crate::failure::Failure;
use crate::measure::{Brief, Counter, Stations};

use clocks::Clocks;
pub use clocks::Shown;
pub use conditions::{Conditions, Jitter, Part, Setting, Timed};
use ledger::Ledger;
pub use settings::SETTINGS;

/// The app, shared between what scales it and what reads it.
#[derive(Clone, Debug)]
pub struct Simulated(Arc<Mutex<App>>);

#[derive(Debug)]
struct App {
    began: Instant,
    start_us: u64,
    /// Settings that are still to come, the earliest last.
    to_come: Vec<Timed>,
    conditions: Conditions,
    wanted: Replicas,
    /// The replicas that run.
    there: Replicas,
    /// When those run that are wanted.
    ready_ns: u64,
    running: Option<Running>,
    ledger: Ledger,
    /// When the experiment last changed, and what it was before.
    earlier: (u64, Option<Experiment>),
    clocks: Clocks,
}

impl Simulated {
    /// Starts an app with these settings and replicas, which run at once.
    ///
    /// # Errors
    /// When no loop could take so little or so much time.
    pub fn start(settings: &[Timed], replicas: Replicas) -> Result<Self, Failure> {
        let mut to_come = settings.to_vec();
        // Of settings from the same time on the last that was given holds.
        to_come.reverse();
        to_come.sort_by_key(|timed| std::cmp::Reverse(timed.from));
        let mut conditions = Conditions::default();
        while let Some(timed) = to_come.pop_if(|timed| timed.from.is_zero()) {
            conditions.apply(&timed.setting);
        }
        let start_us = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0);
        let ledger = Ledger::new(start_us, conditions.seed);
        let mut app = App {
            began: Instant::now(),
            start_us,
            to_come,
            conditions,
            wanted: replicas,
            there: replicas,
            ready_ns: 0,
            running: None,
            ledger,
            earlier: (0, None),
            clocks: Clocks::default(),
        };
        app.begin(0)?;
        Ok(Self(Arc::new(Mutex::new(app))))
    }

    /// Which kind of cluster it is.
    #[must_use]
    pub fn describe(&self) -> String {
        "simulated".to_owned()
    }

    /// What its chance begins with now.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).conditions.seed
    }

    /// Asks for a change: replicas leave at once, new ones take a while to start.
    ///
    /// # Errors
    /// When what follows cannot be simulated.
    pub fn scale(&self, change: Change) -> Result<(), Failure> {
        let mut app = self.now()?;
        let now_ns = app.now_ns();
        app.wanted = change.on(app.wanted);
        let Replicas { worker, rng, hasher } = app.wanted;
        let there = app.there;
        let stay = Replicas {
            worker: worker.min(there.worker),
            rng: rng.min(there.rng),
            hasher: hasher.min(there.hasher),
        };
        app.ready_ns = now_ns + nanoseconds(app.conditions.start);
        if stay != there {
            app.there = stay;
            app.begin(now_ns)?;
        }
        Ok(())
    }

    /// How things are now.
    ///
    /// # Errors
    /// When it cannot be simulated any further.
    pub fn status(&self) -> Result<Status, Failure> {
        let app = self.now()?;
        let (wanted, there) = (app.wanted, app.there);
        let services = vec![
            service(Service::Worker, wanted.worker, there.worker),
            service(Service::Rng, wanted.rng, there.rng),
            service(Service::Hasher, wanted.hasher, there.hasher),
            service(Service::Webui, 1, 1),
        ];
        Ok(Status { pid: None, webui: vec![], rng: vec![], hasher: vec![], services })
    }

    /// The counter.
    ///
    /// # Errors
    /// When it cannot be simulated any further.
    pub fn counter(&self) -> Result<Counter, Failure> {
        let app = self.now()?;
        let ledger = &app.ledger;
        let now_us = app.clocks.shown(Shown::Webui, app.now_us());
        Ok(Counter { now_us, hashes: ledger.hashes(), coins: ledger.coins() })
    }

    /// What is read every second.
    ///
    /// # Errors
    /// When it cannot be simulated any further.
    pub fn brief(&self) -> Result<Brief, Failure> {
        let app = self.now()?;
        let mut brief = app.ledger.brief(app.now_us());
        let (changed_us, earlier) = &app.earlier;
        let told = [earlier, &app.conditions.experiment].into_iter();
        let told = told.zip(app.ledger.last_reports(*changed_us));
        brief.experiments = told.filter_map(|(told, at_us)| Some((told.clone(), at_us?))).collect();
        let now_us = app.clocks.shown(Shown::Webui, app.now_us());
        (brief.counter.now_us, brief.moment.now_us) = (now_us, now_us);
        if let Some(first) = brief.workers.values_mut().next() {
            first.at_us = app.clocks.shown(Shown::Worker, first.at_us);
        }
        if !app.conditions.tells {
            brief.workers.clear();
            brief.experiments.clear();
            brief.moment.totals = observation::Totals::default();
        }
        Ok(brief)
    }

    /// All reports; with distributions if `whole`.
    ///
    /// # Errors
    /// When it cannot be simulated any further.
    pub fn observe(&self, whole: bool) -> Result<Observation, Failure> {
        let app = self.now()?;
        let mut seen = app.ledger.observation(app.now_us(), whole);
        for report in &mut seen.workers {
            app.conditions.declared_policy().clone_into(&mut report.policy);
            // Workers tell of it with their next flush.
            report.experiment.clone_from(match (report.at_us, &app.earlier) {
                (at_us, (changed_us, earlier)) if at_us < *changed_us => earlier,
                _ => &app.conditions.experiment,
            });
        }
        seen.now_us = app.clocks.shown(Shown::Webui, seen.now_us);
        if let Some(first) = seen.workers.iter_mut().min_by(|a, b| a.id.cmp(&b.id)) {
            first.at_us = app.clocks.shown(Shown::Worker, first.at_us);
        }
        if !app.conditions.tells {
            seen.workers.clear();
            seen.merged = observation::Totals::default();
        }
        Ok(seen)
    }

    /// What the stations say of themselves.
    ///
    /// # Errors
    /// When it cannot be simulated any further.
    pub fn stations(&self) -> Result<Stations, Failure> {
        Ok(self.now()?.conditions.stations())
    }

    /// Changes the app from now on, or no longer.
    ///
    /// # Errors
    /// When what follows cannot be simulated.
    pub fn experiment(&self, experiment: Option<&Experiment>) -> Result<(), Failure> {
        let mut app = self.now()?;
        let (now_ns, changed_us) = (app.now_ns(), app.now_us());
        let earlier = std::mem::replace(&mut app.conditions.experiment, experiment.cloned());
        app.earlier = (changed_us, earlier);
        app.begin(now_ns)
    }

    /// The app as it is now.
    fn now(&self) -> Result<MutexGuard<'_, App>, Failure> {
        let mut app = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        app.catch_up()?;
        Ok(app)
    }
}

impl App {
    fn now_ns(&self) -> u64 {
        nanoseconds(self.began.elapsed())
    }

    fn now_us(&self) -> u64 {
        self.start_us + self.now_ns() / 1000
    }

    /// Simulates what happened until now, with what changed meanwhile at its time.
    fn catch_up(&mut self) -> Result<(), Failure> {
        let now_ns = self.now_ns();
        loop {
            let ready = (self.there != self.wanted).then_some(self.ready_ns);
            let setting = self.to_come.last().map(|timed| nanoseconds(timed.from));
            let next = [ready, setting].into_iter().flatten().min();
            let Some(at_ns) = next.filter(|at_ns| *at_ns <= now_ns) else { break };
            self.advance(at_ns);
            if ready == Some(at_ns) {
                self.there = self.wanted;
            }
            let due = |timed: &mut Timed| nanoseconds(timed.from) <= at_ns;
            let mut changed = ready == Some(at_ns);
            while let Some(timed) = self.to_come.pop_if(due) {
                if let Setting::Clock(whose, by_us) = timed.setting {
                    // Nothing else notices.
                    self.clocks.set(whose, (self.start_us + at_ns / 1000, by_us));
                } else {
                    self.conditions.apply(&timed.setting);
                    changed = true;
                }
            }
            if changed {
                self.begin(at_ns)?;
            }
        }
        self.advance(now_ns);
        Ok(())
    }

    fn advance(&mut self, until_ns: u64) {
        if let Some(running) = &mut self.running {
            running.advance(until_ns - self.ledger.offset_ns, &mut self.ledger);
        }
    }

    /// Everybody begins a loop with the replicas that are there.
    fn begin(&mut self, now_ns: u64) -> Result<(), Failure> {
        let scenario = self.conditions.scenario(self.there);
        let scenario = scenario.map_err(|error| Failure::Simulation(error.to_string()))?;
        self.ledger.telling = self.conditions.telling(self.there);
        self.ledger.begin(self.there.worker, now_ns);
        let seed = self.conditions.seed.wrapping_add(now_ns);
        self.running = scenario.map(|scenario| scenario.begin(seed));
        Ok(())
    }
}

fn service(service: Service, wanted: u32, there: u32) -> ServiceStatus {
    ServiceStatus {
        service,
        wanted,
        ready: (1..=there).map(|number| format!("{}.{number}", service.name())).collect(),
        leaving: 0,
        restarts: 0,
        last_death: None,
        labels: BTreeMap::new(),
        incarnations: BTreeMap::new(),
        states: BTreeMap::new(),
        troubles: Vec::new(),
        created_us: None,
        ready_since_us: None,
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Replicas = Replicas { worker: 10, rng: 1, hasher: 1 };

    fn app(settings: &[&str], replicas: Replicas) -> Simulated {
        let settings: Vec<Timed> = settings.iter().map(|text| text.parse().unwrap()).collect();
        Simulated::start(&settings, replicas).unwrap()
    }

    /// Hashes per second that are counted in the next minute.
    async fn speed(app: &Simulated) -> f64 {
        let first = app.counter().unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        let last = app.counter().unwrap();
        assert_eq!(last.now_us - first.now_us, 60_000_000);
        load::numbers::float(last.hashes - first.hashes) / 60.0
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_as_fast_as_its_bound_and_scales_when_replicas_have_started() {
        let app = app(&["start=3s"], TEN);
        let found = speed(&app).await;
        assert!((found - 10.0).abs() < 0.5, "{found}");
        app.scale(Replicas { rng: 2, ..TEN }.into()).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(!app.status().unwrap().service(Service::Rng).unwrap().is_settled());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(app.status().unwrap().service(Service::Rng).unwrap().is_settled());
        let found = speed(&app).await;
        assert!((found - 20.0).abs() < 0.5, "{found}");
        app.scale(TEN.into()).unwrap();
        assert_eq!(app.status().unwrap().service(Service::Rng).unwrap().ready, ["rng.1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_setting_holds_from_its_time_on_and_the_last_of_several() {
        let app = app(&["rng=400ms", "rng=100ms", "rng=300ms@60s", "rng=200ms@60s"], TEN);
        assert!((speed(&app).await - 10.0).abs() < 0.5);
        assert!((speed(&app).await - 5.0).abs() < 0.3);
    }

    #[tokio::test(start_paused = true)]
    async fn reports_add_up_to_the_counter_and_one_in_16_is_a_coin() {
        let app = app(&["redis=2ms"], Replicas { rng: 3, ..TEN });
        tokio::time::sleep(Duration::from_mins(10)).await;
        let seen = app.observe(true).unwrap();
        assert_eq!(seen.hashes, seen.merged.loops);
        let (hashes, coins) = (load::numbers::float(seen.hashes), load::numbers::float(seen.coins));
        // 18,000 hashes: five standard deviations of their coins are 160.
        assert!((coins - hashes / 16.0).abs() < 160.0, "{coins} of {hashes}");
        assert_eq!(seen.merged.rng_times.len(), 3);
        let answered: u64 = seen.merged.rng_times.values().map(|times| times.answers).sum();
        assert_eq!(answered, seen.merged.loops);
        let redis = &seen.merged.stages[&observation::Stage::Redis];
        assert!(redis.count() < seen.hashes && redis.mean_us().unwrap() >= 1999.0, "{redis:?}");
        let loops = &seen.workers[0].totals.stages[&observation::Stage::Loop];
        assert!(loops.quantile_us(0.5).unwrap() > 300_000, "{loops:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn workers_that_hang_count_nothing_and_an_app_that_tells_nothing_still_counts() {
        let app = app(&["hung-workers=1@60s", "tells=no@120s"], TEN);
        tokio::time::sleep(Duration::from_secs(70)).await;
        let before = app.observe(false).unwrap();
        tokio::time::sleep(Duration::from_secs(30)).await;
        let after = app.observe(false).unwrap();
        let still = before.workers.iter().zip(&after.workers).filter(|(b, a)| b.at_us == a.at_us);
        assert_eq!(still.count(), 1);
        tokio::time::sleep(Duration::from_secs(30)).await;
        let silent = app.observe(true).unwrap();
        assert!(silent.workers.is_empty() && silent.hashes > after.hashes);
        assert_eq!(app.stations().unwrap(), Stations::default());
    }
}
