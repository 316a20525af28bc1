//! A published port: each new connection goes to the next replica in turn, as the routing mesh of
//! a swarm does it. Bytes pass as they are.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::registry::Registry;

/// Passes connections on for as long as it is polled.
pub(super) async fn relay(listener: TcpListener, registry: Arc<Registry>) {
    let mut passing = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    passing.spawn(pass(client, Arc::clone(&registry)));
                }
                Err(error) => {
                    tracing::warn!(%error, service = registry.service().name(), "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = passing.join_next() => {}
        }
    }
}

/// Connects to a replica that takes the connection and copies both ways; with none, the client's
/// connection is closed.
async fn pass(mut client: TcpStream, registry: Arc<Registry>) {
    for _ in 0..registry.count() {
        let Some(address) = registry.next() else { return };
        let Ok(mut replica) = TcpStream::connect(address).await else { continue };
        let _ = (client.set_nodelay(true), replica.set_nodelay(true));
        // Either side may break off; there is nobody to tell but the two, who know.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut replica).await;
        return;
    }
}
