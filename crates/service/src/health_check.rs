//! `--check-health`: asks a running copy of this service, on the same machine, whether it answers.
//! It is what a container's health check runs, so that an image needs no shell and no curl. It
//! changes nothing and says nothing but why it failed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for the answer, the connection included.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of an answer that are read: `/health` is a few hundred.
const MOST_BYTES: u64 = 64 << 10;

/// Why a service counts as unhealthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// Nobody listens, or the connection broke.
    #[error("http://{0}/health cannot be reached: {1}")]
    Unreachable(SocketAddr, io::Error),
    /// No whole answer in time.
    #[error("http://{0}/health did not answer within {PATIENCE:?}")]
    Silent(SocketAddr),
    /// An answer other than 200, or none at all.
    #[error("http://{0}/health answered '{1}', not 200")]
    Refused(SocketAddr, String),
}

/// Asks for `/health` on the port a service listens on. An address that stands for all of a
/// machine's is asked on its loopback.
///
/// # Errors
/// See [`HealthError`].
pub async fn check_health(listening: SocketAddr) -> Result<(), HealthError> {
    let address = SocketAddr::new(reachable(listening.ip()), listening.port());
    let asked = tokio::time::timeout(PATIENCE, ask(address)).await;
    let answer = asked
        .map_err(|_| HealthError::Silent(address))?
        .map_err(|error| HealthError::Unreachable(address, error))?;
    let status_line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = status_line.split(|byte| *byte == b' ');
    let is_http = words.next().is_some_and(|version| version.starts_with(b"HTTP/1."));
    match is_http && words.next() == Some(b"200") {
        true => Ok(()),
        false => {
            let shown = String::from_utf8_lossy(&status_line[..status_line.len().min(80)]);
            Err(HealthError::Refused(address, shown.into_owned()))
        }
    }
}

async fn ask(address: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Where a listener on `address` can be asked from its own machine.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(four) if four.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(six) if six.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_machine_is_asked_on_its_loopback() {
        for (listening, asked) in
            [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.1.2.3", "10.1.2.3"), ("::1", "::1")]
        {
            let listening: IpAddr = listening.parse().unwrap();
            assert_eq!(reachable(listening).to_string(), asked);
        }
    }
}
