//! The app for as long as a command needs it: found or started, read, and left in order however the
//! command ends.

use std::sync::Arc;

use observation::Experiment;
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::cluster::control::Client;
use crate::cluster::local::{Event, LocalCluster};
use crate::cluster::sim::Simulated;
use crate::cluster::swarm::{Found, Swarm};
use crate::cluster::{Change, Cluster, Replicas};
use crate::failure::{Also as _, Failure};
use crate::measure::{App, Feed, Samples};
use crate::plan::{Place, Target, Timing, fits_one_machine};
use crate::progress::Progress;
use crate::settle::settle;
use crate::step::{Asked, UnderWay, measure_step, tell, until_there};

/// What ends a run early: what was measured till then is kept.
#[derive(Debug)]
pub struct Stop<I, H> {
    /// Ends it in order.
    pub interrupted: I,
    /// Ends the orderly stop itself: what still runs is killed.
    pub hurried: H,
}

/// Which app is wanted, and for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) target: &'a Target,
    /// What will be asked of it; an app of its own begins with the first of them.
    pub(crate) steps: &'a [Change],
    /// Whether replica counts are put back at the end.
    pub(crate) restore: bool,
}

/// The app while it is measured.
pub(crate) struct Live<'a> {
    pub(crate) cluster: &'a mut Cluster,
    /// Which cluster, and why that one.
    pub(crate) description: String,
    app: App,
    under_way: &'a UnderWay,
    told: &'a UnboundedSender<Progress>,
}

impl Live<'_> {
    /// Scales, settles, warms up and reads a window.
    pub(crate) async fn step(
        &mut self,
        change: Change,
        (number, of): (usize, usize),
        timing: Timing,
    ) -> Result<Samples, Failure> {
        self.changed_step(change, (number, of), (timing, None)).await
    }

    /// The same with the app changed for an experiment.
    pub(crate) async fn changed_step(
        &mut self,
        change: Change,
        (number, of): (usize, usize),
        (timing, experiment): (Timing, Option<&Experiment>),
    ) -> Result<Samples, Failure> {
        let replicas = change.on(self.cluster.status().await?.replicas());
        self.tell(Progress::Step { number, of, replicas });
        let asked = Asked { change, replicas, timing, experiment };
        let (cluster, app) = (&mut *self.cluster, &mut self.app);
        Box::pin(measure_step(cluster, app, asked, self.under_way, self.told)).await
    }

    /// Sees that webui allows experiments before anything is measured for one.
    ///
    /// # Errors
    /// When it says that it does not, with the commands that change this.
    pub(crate) async fn may_experiment(&mut self, timing: Timing) -> Result<(), Failure> {
        // Where there is no way to ask for one, the step says why.
        let Some(mut steering) = self.app.steering() else { return Ok(()) };
        until_there(self.cluster, &mut steering, timing.settle_timeout).await?;
        match steering.are_off().await {
            true => Err(Failure::ExperimentsOff(self.cluster.experiments_on())),
            false => Ok(()),
        }
    }

    /// Stops all workers, rng and hasher, so that the next step begins with new ones.
    pub(crate) async fn stop_all(&mut self, timing: Timing) -> Result<(), Failure> {
        let none = Change { worker: Some(0), rng: Some(0), hasher: Some(0) };
        let told = self.told;
        let mut watch = |missing: &str| {
            tell(told, Progress::Settling(format!("restarting: {missing}")));
        };
        settle(self.cluster, &mut self.app, none, timing.settle_timeout, &mut watch).await?;
        Ok(())
    }

    /// One more event for whoever listens.
    pub(crate) fn tell(&self, progress: Progress) {
        tell(self.told, progress);
    }
}

/// Finds or starts the app, does the work with it, and leaves it in order.
pub(crate) async fn run<I: Future<Output = ()>, H: Future<Output = ()>>(
    wanted: Wanted<'_>,
    Stop { interrupted, hurried }: Stop<I, H>,
    show: &mut impl FnMut(Progress),
    work: impl AsyncFnOnce(Live<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (events, mut happened) = mpsc::unbounded_channel();
    tokio::pin!(interrupted);
    let (mut cluster, not_there) = tokio::select! {
        () = &mut interrupted => return Err(Failure::Interrupted),
        found = find_or_start(wanted, events) => found?,
    };
    let description = match not_there {
        Some(reason) => format!("{}; not on a swarm: {reason}", cluster.describe()),
        None => cluster.describe(),
    };
    show(Progress::Cluster(description.clone()));
    let (told, mut progress) = mpsc::unbounded_channel();
    let under_way = UnderWay::default();
    let result = {
        let work = async {
            let app = reached(&mut cluster, wanted.target, &told).await?;
            let (cluster, under_way, told) = (&mut cluster, &under_way, &told);
            work(Live { cluster, description, app, under_way, told }).await
        };
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = &mut interrupted => break Err(Failure::Interrupted),
                Some(event) = happened.recv() => show(Progress::Happened(event)),
                Some(event) = progress.recv() => show(event),
                result = &mut work => break result,
            }
        }
    };
    // What was said last is heard, too.
    while let Ok(event) = progress.try_recv() {
        show(event);
    }
    if let Some(mut steering) = under_way.into_inner() {
        // Broken off in the middle; if webui does not hear of it, it ends by itself.
        let _ = steering.end().await;
    }
    // What was changed only to measure is put back; an interrupted run leaves nothing changed.
    let restore = wanted.restore || matches!(result, Err(Failure::Interrupted));
    let left_behind = cluster.left_behind(restore);
    let left = tokio::select! {
        left = cluster.leave(restore) => left,
        () = hurried => left_behind.map_or(Ok(()), |what| {
            let then = Box::new(Failure::Swarm(what));
            Err(Failure::Also { first: Box::new(Failure::Interrupted), then })
        }),
    };
    result.also(left)
}

/// The way to read the app.
async fn reached(
    cluster: &mut Cluster,
    target: &Target,
    told: &UnboundedSender<Progress>,
) -> Result<App, Failure> {
    match (&mut *cluster, &target.inside) {
        (Cluster::Swarm(swarm), Some(inside)) => {
            tell(told, Progress::Settling("bench inside the stack".to_owned()));
            Ok(App::inside(Feed::new(swarm.go_inside(inside.image.as_deref()).await?)))
        }
        (Cluster::Simulated(app), _) => Ok(App::simulated(app.clone())),
        _ => Ok(App::new(&cluster.status().await?)),
    }
}

/// The running app, or one of its own with the replicas of the first step; and why not one of a
/// swarm, where somebody may expect that.
async fn find_or_start(
    Wanted { target, steps, .. }: Wanted<'_>,
    events: mpsc::UnboundedSender<Event>,
) -> Result<(Cluster, Option<String>), Failure> {
    let Target { simulated, place, running, setup, swarm, .. } = target;
    let mut not_there = None;
    let first = steps.first().map_or_else(Replicas::default, |step| step.on(Replicas::default()));
    if let Some(settings) = simulated {
        return Ok((Cluster::Simulated(Simulated::start(settings, first)?), None));
    }
    match place {
        Place::Swarm => return Ok((Cluster::Swarm(Box::new(Swarm::find(swarm).await?)), None)),
        Place::Local => {}
        Place::Either => match Swarm::look_for(swarm).await {
            Found::Swarm(swarm) => return Ok((Cluster::Swarm(swarm), None)),
            Found::Nothing { reason, explicit } => not_there = explicit.then_some(reason),
        },
    }
    fits_one_machine(steps)?;
    if let Some(wanted) = running
        && let Some(mut client) = Client::find(*wanted).await?
    {
        client.measure().await?;
        let before = client.status().await?.replicas();
        return Ok((Cluster::Attached { client, before }, not_there));
    }
    let local = LocalCluster::start(setup, first, events).await?;
    Ok((Cluster::Own(Arc::new(local)), not_there))
}
