//! An app to simulate: workers, what they think, the stages they visit, the replicas of each and how
//! requests are spread over them. What can be built here can be simulated; nothing is simulated here.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::distribution::Distribution;
use crate::impossible::Impossible;
use crate::network::{Network, Seconds, Station};

/// How requests are spread over the replicas of a stage.
///
/// Replicas that are dead get none. `shared` policies know all workers' requests, the others those of
/// their own process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// In turn for all workers together, as a mesh or a virtual IP does with a connection per request.
    SharedRoundRobin,
    /// In turn for each process, which begins anywhere.
    RoundRobin,
    /// Any, equally likely.
    Random,
    /// The one with the fewest requests under way, equal ones in turn.
    SharedLeastOutstanding,
    /// The one with the fewest requests of the own process under way, equal ones in turn.
    LeastOutstanding,
    /// Of two random ones, which may be the same, the one that would begin sooner: the power of two
    /// choices (Mitzenmacher 2001) by the work ahead.
    PowerOfTwo,
    /// Of two random ones, which differ, the one with fewer requests under way, as balancers that see no
    /// service times do it.
    FewerOfTwo,
    /// Each worker always asks the same one, which was chosen at random: kept connections.
    Sticky,
    /// Each worker always asks one of the first so many replicas, spread evenly: connections that were
    /// opened before a scale-up.
    Stale(NonZeroU32),
}

/// A replica of a stage: so many places with one queue, first come, first served.
#[derive(Clone, Debug, PartialEq)]
pub struct Replica {
    /// Requests it works on at a time.
    pub places: NonZeroU32,
    /// How long each takes, without its wait.
    pub service: Distribution,
}

/// A stage of the loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    name: String,
    policy: Policy,
    replicas: NonZeroU32,
    typical: Replica,
    /// Replicas that are not like the others; `None` is dead.
    exceptions: BTreeMap<u32, Option<Replica>>,
}

impl Stage {
    /// A stage of equal replicas that are asked in turn.
    #[must_use]
    pub fn new(name: impl Into<String>, replicas: NonZeroU32, typical: Replica) -> Self {
        let policy = Policy::SharedRoundRobin;
        Self { name: name.into(), policy, replicas, typical, exceptions: BTreeMap::new() }
    }

    /// The same with another way to spread requests.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same with more or fewer replicas. New ones are typical.
    ///
    /// # Errors
    /// When only dead ones would be left.
    pub fn with_replicas(mut self, replicas: NonZeroU32) -> Result<Self, Impossible> {
        self.replicas = replicas;
        self.exceptions.retain(|index, _| *index < replicas.get());
        self.checked()
    }

    /// The same with one replica that differs, counted from 0, or is dead. One that does not exist is
    /// left out.
    ///
    /// # Errors
    /// When no replica would be alive.
    pub fn with_exception(
        mut self,
        index: u32,
        replica: Option<Replica>,
    ) -> Result<Self, Impossible> {
        if index < self.replicas.get() {
            self.exceptions.insert(index, replica);
        }
        self.checked()
    }

    /// The same with all replicas typical.
    #[must_use]
    pub fn without_exceptions(mut self) -> Self {
        self.exceptions.clear();
        self
    }

    /// The same with all service times changed.
    ///
    /// # Errors
    /// When the factor is not above zero.
    pub fn scaled(mut self, factor: f64) -> Result<Self, Impossible> {
        let differing = self.exceptions.values_mut().flatten();
        for replica in std::iter::once(&mut self.typical).chain(differing) {
            replica.service = replica.service.scaled(factor)?;
        }
        Ok(self)
    }

    fn checked(self) -> Result<Self, Impossible> {
        let alive = self.alive().next().is_some();
        match alive {
            true => Ok(self),
            false => Err(Impossible::NobodyServes(self.name)),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How requests are spread.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Replicas, dead ones among them.
    #[must_use]
    pub fn replicas(&self) -> NonZeroU32 {
        self.replicas
    }

    /// What a replica is like that is none of the exceptions.
    #[must_use]
    pub fn typical(&self) -> &Replica {
        &self.typical
    }

    /// Replicas that are not like the others.
    #[must_use]
    pub fn exceptions(&self) -> &BTreeMap<u32, Option<Replica>> {
        &self.exceptions
    }

    /// Each living replica with its index; at least one.
    pub fn alive(&self) -> impl Iterator<Item = (u32, &Replica)> {
        (0..self.replicas.get()).filter_map(|index| match self.exceptions.get(&index) {
            None => Some((index, &self.typical)),
            Some(exception) => exception.as_ref().map(|replica| (index, replica)),
        })
    }

    /// As one queue for all places, with the mean service time that uses all places: m/S is the
    /// capacity of the replicas together.
    fn station(&self) -> Station {
        let places: u32 = self
            .alive()
            .fold(0, |places: u32, (_, replica)| places.saturating_add(replica.places.get()));
        let capacity: f64 =
            self.alive().map(|(_, r)| f64::from(r.places.get()) / r.service.mean().get()).sum();
        let service = Seconds::new(f64::from(places) / capacity);
        Station::new(
            self.name.clone(),
            service.unwrap_or_default(),
            NonZeroU32::new(places).unwrap_or(NonZeroU32::MIN),
        )
    }
}

/// Workers and the loop they go through.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    workers: NonZeroU32,
    per_process: NonZeroU32,
    think: Distribution,
    stages: Vec<Stage>,
    network: Network,
}

impl Scenario {
    /// So many workers, each a process of its own, that think and then visit the stages in order.
    ///
    /// # Errors
    /// When a mean loop takes less than [`crate::SHORTEST_LOOP`].
    pub fn new(
        workers: NonZeroU32,
        think: Distribution,
        stages: Vec<Stage>,
    ) -> Result<Self, Impossible> {
        let network = Network::new(think.mean(), stages.iter().map(Stage::station).collect())?;
        Ok(Self { workers, per_process: NonZeroU32::MIN, think, stages, network })
    }

    /// The same with so many workers.
    #[must_use]
    pub fn with_workers(mut self, workers: NonZeroU32) -> Self {
        self.workers = workers;
        self
    }

    /// The same with so many workers in each process, which share its turn and its knowledge.
    #[must_use]
    pub fn with_workers_per_process(mut self, per_process: NonZeroU32) -> Self {
        self.per_process = per_process;
        self
    }

    /// The same with another think time.
    ///
    /// # Errors
    /// When a loop takes too little time then.
    pub fn with_think(self, think: Distribution) -> Result<Self, Impossible> {
        let per_process = self.per_process;
        let changed = Self::new(self.workers, think, self.stages)?;
        Ok(changed.with_workers_per_process(per_process))
    }

    /// The same with one stage changed by `change`; as it was when there is no such stage.
    ///
    /// # Errors
    /// What `change` returns, or that a loop takes too little time then.
    pub fn with_stage(
        mut self,
        stage: usize,
        change: impl FnOnce(Stage) -> Result<Stage, Impossible>,
    ) -> Result<Self, Impossible> {
        if let Some(place) = self.stages.get_mut(stage) {
            *place = change(place.clone())?;
        }
        let think = self.think.clone();
        self.with_think(think)
    }

    /// The same with all replicas typical.
    pub(crate) fn all_typical(&self) -> Result<Self, Impossible> {
        let mut stages = 0..self.stages.len();
        stages.try_fold(self.clone(), |scenario, stage| {
            scenario.with_stage(stage, |stage| Ok(stage.without_exceptions()))
        })
    }

    /// Workers, W.
    #[must_use]
    pub fn workers(&self) -> NonZeroU32 {
        self.workers
    }

    /// Workers of each process.
    #[must_use]
    pub fn workers_per_process(&self) -> NonZeroU32 {
        self.per_process
    }

    /// What a worker thinks before it visits the first stage; all pure delays of a loop together.
    #[must_use]
    pub fn think(&self) -> &Distribution {
        &self.think
    }

    /// The stages in the order of their visits.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The same app as a closed network with one queue for all replicas of a stage: what bounds and the
    /// product form are asked of.
    ///
    /// Where replicas differ, S weights each by its capacity: the bound by the workers then holds for
    /// policies that ask no fast replica more often than that.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }
}
