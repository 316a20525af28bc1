//! One connection within the limit: copied both ways until either side ends it, or it is idle.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::activity::{Activity, Side, Watched};
use super::connect;
use crate::cluster::local::registry::Registry;

/// How long a client may keep its side of a connection open that the replica has ended.
const LINGER: Duration = Duration::from_secs(5);
/// The shortest time for which a client may take nothing of what it is sent.
const SHORTEST_STALL: Duration = Duration::from_secs(1);

/// Connects to a replica that takes the connection and copies both ways; with none, the client's
/// connection is closed.
pub(super) async fn pass(client: TcpStream, registry: &Registry, idle: Duration) {
    let Some(replica) = connect(registry).await else { return };
    // Best effort: without these options a client that is gone is noticed later.
    let _ = configure(&client, idle);
    let activity = Activity::default();
    let mut client = Watched::new(client, Side::Client, &activity);
    let mut replica = Watched::new(replica, Side::Replica, &activity);
    let lingering = async {
        activity.ended().await;
        tokio::time::sleep(LINGER.min(idle)).await;
    };
    tokio::select! {
        biased;
        // Either side may break off; only those two need to know, and they do.
        _ = tokio::io::copy_bidirectional(&mut client, &mut replica) => {}
        () = activity.idle(idle) => {}
        () = lingering => {}
    }
}

/// Lets the system end a connection whose client is gone, or takes nothing of what it is sent for
/// `idle`: a slow reader takes something now and then, which only the system sees.
fn configure(client: &TcpStream, idle: Duration) -> io::Result<()> {
    client.set_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    let socket = SockRef::from(client);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(idle.max(SHORTEST_STALL)))?;
    Ok(())
}
