//! The handle that servers, connections and tests share; must never hold its lock across an await.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::clients::{Client, Clients};
use crate::commands::{self, Context};
use crate::faults::Faults;
use crate::limits::MAXIMUM_CLIENTS;
use crate::password::Password;
use crate::reply::Reply;
use crate::request::Request;
use crate::session::Session;
use crate::store::Store;
use crate::transport::sealed::Peer;

/// How many lines a client in `MONITOR` may lag behind before it is disconnected.
const MONITOR_LAG: usize = 1024;

/// One Redis: its keys, its clients and its faults. Clones share all of these, and the keys
/// outlive a server that stops. A password and limits are of one handle only, and of the clones made
/// from it.
#[derive(Debug, Clone)]
pub struct Redis {
    state: Arc<Mutex<State>>,
    faults: Faults,
    monitors: broadcast::Sender<Bytes>,
    password: Option<Password>,
    maximum_clients: usize,
    /// Clients that are connected to this handle.
    connected: Arc<AtomicUsize>,
    login_timeout: Option<Duration>,
}

#[derive(Debug)]
struct State {
    store: Store,
    server: ServerState,
}

/// What the server knows beside the keys.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) clients: Clients,
    pub(crate) started: Instant,
    pub(crate) commands: u64,
    pub(crate) port: u16,
    /// When a client last asked for the data to be saved, or the start.
    pub(crate) last_save: SystemTime,
}

impl Default for Redis {
    fn default() -> Self {
        Self::new()
    }
}

impl Redis {
    /// An empty Redis without faults.
    #[must_use]
    pub fn new() -> Self {
        let now = Instant::now();
        let server = ServerState {
            clients: Clients::default(),
            started: now,
            commands: 0,
            port: 0,
            last_save: SystemTime::now(),
        };
        let state = State { store: Store::new(now), server };
        Self {
            state: Arc::new(Mutex::new(state)),
            faults: Faults::new(),
            monitors: broadcast::Sender::new(MONITOR_LAG),
            password: None,
            maximum_clients: MAXIMUM_CLIENTS,
            connected: Arc::default(),
            login_timeout: None,
        }
    }

    /// The same Redis, but clients that are served with this handle must give `password` first.
    #[must_use]
    pub fn with_password(self, password: Password) -> Self {
        Self { password: Some(password), ..self }
    }

    /// The same Redis, but clients that come to this handle when `maximum_clients` are connected to it are
    /// refused. Those of other handles do not count.
    #[must_use]
    pub fn with_maximum_clients(self, maximum_clients: usize) -> Self {
        Self { maximum_clients, connected: Arc::default(), ..self }
    }

    /// The same Redis, but clients of this handle that have not given its password within this time
    /// after they connected are disconnected.
    #[must_use]
    pub fn with_login_timeout(self, timeout: Duration) -> Self {
        Self { login_timeout: Some(timeout), ..self }
    }

    /// How long a client served with this handle may take to log in; `None` for any time.
    pub(crate) fn login_timeout(&self) -> Option<Duration> {
        self.login_timeout
    }

    /// The password that clients served with this handle must give, if any.
    pub(crate) fn password(&self) -> Option<Password> {
        self.password
    }

    /// The faults of this Redis.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Does one command at the present time.
    pub(crate) fn execute(&self, session: &mut Session, request: Request) -> Reply {
        let state = &mut *self.lock();
        state.store.advance_to(Instant::now());
        state.store.select(session.database);
        let mut context = Context {
            store: &mut state.store,
            server: &mut state.server,
            session,
            monitors: &self.monitors,
            in_transaction: false,
        };
        commands::execute(&mut context, request)
    }

    /// Removes what has expired, so that keys nobody asks for do not stay in memory.
    pub(crate) fn remove_expired(&self) {
        self.lock().store.advance_to(Instant::now());
    }

    /// Enters a client in the list until the guard is dropped; none if there are too many.
    pub(crate) fn register(&self, peer: &Peer) -> Option<Registration> {
        let server = &mut self.lock().server;
        // Only changed while the lock is held.
        if self.connected.load(Ordering::Relaxed) >= self.maximum_clients {
            return None;
        }
        self.connected.fetch_add(1, Ordering::Relaxed);
        server.port = peer.port.unwrap_or(server.port);
        let id = server.clients.add(Client::new(peer, Instant::now()));
        Some(Registration { redis: self.clone(), id })
    }

    pub(crate) fn monitor(&self) -> broadcast::Receiver<Bytes> {
        self.monitors.subscribe()
    }

    /// A command that panicked leaves the store as valid as any other error does.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's place in the list, and its watched keys; also given up when its task is aborted.
#[derive(Debug)]
pub(crate) struct Registration {
    redis: Redis,
    pub(crate) id: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let state = &mut *self.redis.lock();
        self.redis.connected.fetch_sub(1, Ordering::Relaxed);
        state.server.clients.remove(self.id);
        state.store.unwatch(self.id);
    }
}
