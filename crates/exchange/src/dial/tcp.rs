//! TCP connections, which send at once what is written.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use crate::failure::{Failure, Kind};

/// A connection to `address`, from `bind` where it is given.
pub(super) async fn connect(
    address: SocketAddr,
    bind: Option<IpAddr>,
) -> Result<TcpStream, Failure> {
    let failure = |error: io::Error| Failure::connect(&address, &error);
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(failure)?;
    // A request is one write: holding it back for more would only delay it.
    socket.set_nodelay(true).map_err(failure)?;
    if let Some(bind) = bind {
        let from = SocketAddr::new(bind, 0);
        socket.bind(from).map_err(|error| cannot_bind(address, bind, &error))?;
    }
    socket.connect(address).await.map_err(|error| cannot_connect(address, &error))
}

fn cannot_bind(address: SocketAddr, bind: IpAddr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => Failure::Connect {
            peer: address.to_string(),
            kind: Kind::Connect,
            reason: format!("{bind} is no address of this machine"),
        },
        io::ErrorKind::AddrInUse => no_port(address),
        _ => Failure::connect(&address, error),
    }
}

fn cannot_connect(address: SocketAddr, error: &io::Error) -> Failure {
    match error.kind() {
        // What the system says reads as if the server's address were wrong.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => no_port(address),
        _ => Failure::connect(&address, error),
    }
}

fn no_port(address: SocketAddr) -> Failure {
    Failure::Connect {
        peer: address.to_string(),
        kind: Kind::Connect,
        reason: "no local port is free: keep connections, or make fewer of them".to_owned(),
    }
}
