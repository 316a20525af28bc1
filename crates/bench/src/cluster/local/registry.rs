//! The replicas of one service and how each is doing. The relay and the workers find replicas
//! here; nothing here starts or stops one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folder::AppFolder;
use crate::cluster::{Service, ServiceStatus};

/// How a replica is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    /// Started, or waiting to be started again.
    Coming,
    /// It works; where, if it listens.
    Ready(Option<SocketAddr>),
    /// Told to stop.
    Leaving,
}

/// All replicas of a service, by slot number from 1.
#[derive(Debug)]
pub(super) struct Registry {
    service: Service,
    /// Where the list of addresses is kept, by the service's name.
    list: Option<Arc<AppFolder>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    members: BTreeMap<u32, Member>,
    /// Slots below the highest ever taken that no replica has now.
    free: BTreeSet<u32>,
    restarts: u64,
    last_death: Option<String>,
    turn: usize,
}

impl Registry {
    /// A registry that keeps the addresses in a file of `folder`, for the workers to read.
    pub(super) fn listed(service: Service, folder: Arc<AppFolder>) -> Self {
        let registry = Self { service, list: Some(folder), state: Mutex::default() };
        registry.write_list(&registry.state());
        registry
    }

    /// A registry whose replicas no worker asks for.
    pub(super) fn unlisted(service: Service) -> Self {
        Self { service, list: None, state: Mutex::default() }
    }

    pub(super) fn service(&self) -> Service {
        self.service
    }

    /// The name of the replica in `slot`.
    pub(super) fn name(&self, slot: u32) -> String {
        format!("{}.{slot}", self.service.name())
    }

    /// Takes the lowest free slot for a new replica.
    pub(super) fn enter(&self) -> u32 {
        let mut state = self.state();
        // Members and free slots together are 1 to the highest ever taken.
        let next = u32::try_from(state.members.len()).unwrap_or(u32::MAX).saturating_add(1);
        let slot = state.free.pop_first().unwrap_or(next);
        state.members.insert(slot, Member::Coming);
        slot
    }

    /// The replica in `slot` is ready.
    pub(super) fn ready(&self, slot: u32, address: Option<SocketAddr>) {
        self.change(|state| state.members.insert(slot, Member::Ready(address)));
    }

    /// The replica in `slot` died and will be started again.
    pub(super) fn died(&self, slot: u32, how: &str) {
        self.change(|state| {
            state.restarts += 1;
            state.last_death = Some(how.to_owned());
            state.members.insert(slot, Member::Coming)
        });
    }

    /// The replica in `slot` is told to stop: nobody is sent there any more.
    pub(super) fn leaving(&self, slot: u32) {
        self.change(|state| state.members.insert(slot, Member::Leaving));
    }

    /// The replica in `slot` is gone for good.
    pub(super) fn gone(&self, slot: u32) {
        self.change(|state| {
            state.free.insert(slot);
            state.members.remove(&slot)
        });
    }

    /// The address whose turn it is, one after the other.
    pub(super) fn next(&self) -> Option<SocketAddr> {
        let mut state = self.state();
        let ready = addresses(&state);
        state.turn = state.turn.wrapping_add(1);
        (!ready.is_empty()).then(|| ready[state.turn % ready.len()])
    }

    /// How many addresses there are to try.
    pub(super) fn count(&self) -> usize {
        addresses(&self.state()).len()
    }

    pub(super) fn status(&self, wanted: u32) -> ServiceStatus {
        let state = self.state();
        let ready = state.members.iter().filter(|(_, m)| matches!(m, Member::Ready(_)));
        let leaving = state.members.values().filter(|m| matches!(m, Member::Leaving)).count();
        ServiceStatus {
            service: self.service,
            wanted,
            ready: ready.map(|(slot, _)| self.name(*slot)).collect(),
            leaving: u32::try_from(leaving).unwrap_or(u32::MAX),
            restarts: state.restarts,
            last_death: state.last_death.clone(),
            labels: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            states: BTreeMap::new(),
            troubles: Vec::new(),
            created_us: None,
            ready_since_us: None,
        }
    }

    fn change(&self, change: impl FnOnce(&mut State) -> Option<Member>) {
        let mut state = self.state();
        change(&mut state);
        self.write_list(&state);
    }

    fn write_list(&self, state: &State) {
        let Some(folder) = &self.list else { return };
        let lines: String = addresses(state).iter().map(|a| format!("{a}\n")).collect();
        if let Err(error) = folder.write(self.service.name(), lines.as_bytes()) {
            let (service, folder) = (self.service.name(), folder.path().display());
            tracing::error!(%error, service, %folder, "cannot write the list of replicas");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn addresses(state: &State) -> Vec<SocketAddr> {
    let address = |member: &Member| match member {
        Member::Ready(address) => *address,
        Member::Coming | Member::Leaving => None,
    };
    state.members.values().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn only_ready_replicas_are_listed_and_they_take_turns() {
        let place = tempfile::tempdir().unwrap();
        let folder = Arc::new(AppFolder::within(place.path()));
        let list = folder.path().join("rng");
        let registry = Registry::listed(Service::Rng, folder);
        assert_eq!((registry.enter(), registry.enter(), registry.enter()), (1, 2, 3));
        assert_eq!(registry.next(), None);
        registry.ready(1, Some(address(81)));
        registry.ready(2, Some(address(82)));
        registry.ready(3, Some(address(83)));
        registry.leaving(3);
        assert_eq!(std::fs::read_to_string(&list).unwrap(), "127.0.0.1:81\n127.0.0.1:82\n");
        let turns: Vec<_> = (0..4).filter_map(|_| registry.next()).collect();
        assert_eq!(turns[0], turns[2]);
        assert_ne!(turns[0], turns[1]);
        registry.died(1, "signal: 9");
        let status = registry.status(3);
        assert_eq!((status.ready, status.leaving, status.restarts), (vec!["rng.2".into()], 1, 1));
        registry.gone(3);
        registry.gone(1);
        assert_eq!((registry.enter(), registry.enter(), registry.enter()), (1, 3, 4));
    }
}
