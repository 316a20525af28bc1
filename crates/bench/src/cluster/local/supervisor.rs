//! Keeps the wanted number of replicas of one service running: starts, stops, and starts again
//! what dies, with a growing pause.

use std::sync::Arc;
use std::time::Duration;

use service::Backoff;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Event;
use super::process::{Command, End};
use super::registry::Registry;
use crate::cluster::ServiceStatus;

/// A replica that ran this long before it died is started again without a growing pause.
const STEADY: Duration = Duration::from_secs(10);

/// The replicas of one service.
#[derive(Debug)]
pub(super) struct Supervisor {
    keeper: Arc<Keeper>,
    /// The stop of each wanted replica, the newest last.
    wanted: Vec<oneshot::Sender<()>>,
    /// Every replica's task, the leaving ones' too.
    tasks: JoinSet<()>,
    /// Everything is to stop: nothing is wanted any more, whoever asks.
    closed: bool,
}

/// What the tasks of a service's replicas share.
#[derive(Debug)]
struct Keeper {
    registry: Arc<Registry>,
    command: Command,
    events: UnboundedSender<Event>,
}

impl Supervisor {
    pub(super) fn new(
        registry: Arc<Registry>,
        command: Command,
        events: UnboundedSender<Event>,
    ) -> Self {
        let keeper = Arc::new(Keeper { registry, command, events });
        Self { keeper, wanted: Vec::new(), tasks: JoinSet::new(), closed: false }
    }

    /// Wants `count` replicas from now on; the newest leave first.
    pub(super) fn set(&mut self, count: u32) {
        if self.closed {
            return;
        }
        while self.tasks.try_join_next().is_some() {}
        while self.wanted.len() > count as usize {
            self.wanted.pop(); // dropping the sender is the stop
        }
        while self.wanted.len() < count as usize {
            let (stop, stopped) = oneshot::channel();
            self.wanted.push(stop);
            let slot = self.keeper.registry.enter();
            self.tasks.spawn(Arc::clone(&self.keeper).keep(slot, stopped));
        }
    }

    pub(super) fn status(&self) -> ServiceStatus {
        let wanted = u32::try_from(self.wanted.len()).unwrap_or(u32::MAX);
        self.keeper.registry.status(wanted)
    }

    /// Stops every replica; all are gone when the tasks returned have ended.
    pub(super) fn close(&mut self) -> JoinSet<()> {
        self.closed = true;
        self.wanted.clear();
        std::mem::take(&mut self.tasks)
    }
}

impl Keeper {
    /// Runs the replica in `slot`, again and again, until `stop`.
    async fn keep(self: Arc<Self>, slot: u32, mut stop: oneshot::Receiver<()>) {
        let mut backoff = Backoff::default();
        loop {
            let begin = Instant::now();
            let how = match self.command.run(&self.registry, slot, &self.events, &mut stop).await {
                End::Stopped => break,
                End::Died(how) => how,
            };
            self.registry.died(slot, &how);
            if begin.elapsed() >= STEADY {
                backoff.succeeded();
            }
            let restart_in = backoff.failed();
            self.tell(Event::Died { replica: self.registry.name(slot), how, restart_in });
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(restart_in) => {}
            }
        }
        self.registry.gone(slot);
        self.tell(Event::Stopped { replica: self.registry.name(slot) });
    }

    fn tell(&self, event: Event) {
        // Nobody listening is nobody to tell.
        let _ = self.events.send(event);
    }
}
