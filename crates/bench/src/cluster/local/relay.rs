//! A published port: each new connection goes to the next replica, round-robin, as the routing mesh
//! of a swarm does it. Bytes pass as they are. Connections over the port's limit are answered here:
//! `/health` as ever, all else 503.

mod activity;
mod notices;
mod pass;
mod surplus;
mod watch;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use service::Reserve;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use self::activity::Activity;
use self::notices::Notices;
use self::pass::pass;
use self::surplus::Surpluses;
use self::watch::Watches;
use super::Event;
use super::registry::Registry;

pub(super) use self::pass::configure;

/// How long a replica's system may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The first pause after an error of the listening socket; each further one is twice as long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);
/// The longest such pause.
const LONGEST_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// What the clients of one published port may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Connections passed on at a time.
    pub(super) connections: usize,
    /// Connections over those that are answered at a time.
    pub(super) reserve: usize,
    /// Health checks among them that are passed on at a time.
    pub(super) health_checks: usize,
    /// How long a connection without a request under way may move no byte.
    pub(super) idle: Duration,
}

/// Passes connections to `listener`, which is [`configure`]d, on for as long as it is polled.
pub(super) async fn relay(
    listener: TcpListener,
    registry: Arc<Registry>,
    limits: Limits,
    events: UnboundedSender<Event>,
) {
    let mut port = Port {
        open: Arc::new(Semaphore::new(limits.connections)),
        reserve: Reserve::new(limits.reserve),
        surpluses: Arc::new(Surpluses::new(Arc::clone(&registry), limits)),
        notices: Notices::new(registry.service(), limits.connections, events),
        watches: Watches::new(limits.idle),
        passing: JoinSet::new(),
        registry,
    };
    let mut pause = ACCEPT_PAUSE;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    pause = ACCEPT_PAUSE;
                    port.admit(client).await;
                }
                Err(error) if is_the_clients(error.kind()) => {}
                Err(error) => {
                    port.notices.cannot_accept(&error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_ACCEPT_PAUSE);
                }
            },
            Some(_) = port.passing.join_next() => {}
            () = port.watches.due() => port.watches.look(),
            () = port.notices.due() => port.notices.send(),
        }
    }
}

/// A published port and who uses it.
struct Port {
    registry: Arc<Registry>,
    open: Arc<Semaphore>,
    reserve: Reserve,
    surpluses: Arc<Surpluses>,
    notices: Notices,
    watches: Watches,
    passing: JoinSet<()>,
}

impl Port {
    async fn admit(&mut self, client: TcpStream) {
        let registry = Arc::clone(&self.registry);
        match Arc::clone(&self.open).try_acquire_owned() {
            Ok(permit) => {
                let activity = Arc::new(Activity::default());
                let watched = Arc::clone(&activity);
                let task = self.passing.spawn(async move {
                    pass(client, &registry, &activity).await;
                    drop(permit);
                });
                self.watches.add(watched, task);
            }
            Err(_) => {
                let (slot, surpluses) = (self.reserve.admit(), Arc::clone(&self.surpluses));
                self.notices.refused();
                self.passing.spawn(async move { surpluses.answer(client, slot).await });
                // A crowd over the limit must not displace one that has not been looked at.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Connects to the next replica that takes the connection.
async fn connect(registry: &Registry) -> Option<TcpStream> {
    for _ in 0..registry.count() {
        let connecting = TcpStream::connect(registry.next()?);
        if let Ok(Ok(replica)) = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            // Without it small responses may wait, which is no reason to refuse them.
            let _ = replica.set_nodelay(true);
            return Some(replica);
        }
    }
    None
}

/// Whether an error of `accept` says only that the client has gone again.
fn is_the_clients(error: ErrorKind) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error, ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
