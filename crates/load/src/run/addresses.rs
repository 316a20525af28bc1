//! Where one thread connects to: the addresses of a server, looked up again when a connection is
//! made anew, but not more than once a second.

use std::rc::Rc;
use std::time::Duration;

use exchange::{Connection, Dialer, Failure, Kind, Peer, Stamps};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// For how long addresses are good.
const FRESH: Duration = Duration::from_secs(1);

/// A server as one thread knows it.
#[derive(Debug)]
pub(super) struct Addresses {
    dialer: Dialer,
    known: Mutex<Option<(Instant, Rc<[Peer]>)>>,
}

impl Addresses {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self { dialer, known: Mutex::new(None) }
    }

    /// A new connection to the address whose `turn` it is, or to the next one that takes it; `turn`
    /// stays with that one.
    pub(super) async fn connect(
        &self,
        turn: &mut usize,
        stamps: &mut Stamps,
    ) -> Result<Connection, Failure> {
        let peers = self.peers(stamps).await?;
        let begin = *turn % peers.len().max(1);
        let in_turn = peers[begin..].iter().chain(&peers[..begin]);
        let connected = self.dialer.connect_any(in_turn, stamps, |_| *turn += 1).await;
        if matches!(&connected, Err(failure) if failure.kind() != Kind::Descriptors) {
            // Another address may do better.
            *turn += 1;
        }
        connected
    }

    /// The part of an exchange that was under way when time ran out.
    pub(super) fn under_way(&self, stamps: &Stamps, dials: bool) -> exchange::Phase {
        stamps.under_way(self.dialer.resolves(), dials, self.dialer.secures())
    }

    async fn peers(&self, stamps: &mut Stamps) -> Result<Rc<[Peer]>, Failure> {
        // Whoever comes while a look-up is under way waits for it instead of asking too.
        let mut known = self.known.lock().await;
        if let Some((at, peers)) = &*known
            && (!self.dialer.resolves() || at.elapsed() < FRESH)
        {
            return Ok(Rc::clone(peers));
        }
        let peers: Rc<[Peer]> = self.dialer.resolve(stamps).await?.into();
        *known = Some((Instant::now(), Rc::clone(&peers)));
        Ok(peers)
    }
}
