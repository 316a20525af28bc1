//! One connection within the limit: copied both ways until either side ends it.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::activity::{Activity, Side, Watched};
use super::connect;
use crate::cluster::local::registry::Registry;

/// The shortest time for which a client may take nothing of what it is sent.
const SHORTEST_STALL: Duration = Duration::from_secs(1);
/// The longest, beyond which the system counts no further.
const LONGEST_STALL: Duration = Duration::from_hours(24 * 24);

/// Connects to a replica that takes the connection and copies both ways; with none, the client's
/// connection is closed.
pub(super) async fn pass(client: TcpStream, registry: &Registry, activity: &Activity) {
    let Some(replica) = connect(registry).await else { return };
    let mut client = Watched::new(client, Side::Client, activity);
    let mut replica = Watched::new(replica, Side::Replica, activity);
    // Either side may break off; only those two need to know, and they do.
    let _ = tokio::io::copy_bidirectional(&mut client, &mut replica).await;
}

/// Sets what connections take over from the socket that they are accepted from, which is to be done
/// before there are any. The system ends
/// those whose client is gone, or takes nothing of what it is sent for `idle`: a slow reader takes
/// something now and then, which only the system sees.
///
/// # Errors
/// What the system says.
pub(in crate::cluster::local) fn configure(
    listener: &TcpListener,
    idle: Duration,
) -> io::Result<()> {
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(15))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    let socket = SockRef::from(listener);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(idle.clamp(SHORTEST_STALL, LONGEST_STALL)))?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_take_over_what_their_listener_has() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        configure(&listener, Duration::MAX).unwrap();
        configure(&listener, Duration::from_secs(7)).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let socket = SockRef::from(&accepted);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(7)));
    }
}
