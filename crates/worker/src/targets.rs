//! Where a dependency's replicas are: a service name, fixed addresses, or a file that somebody
//! else keeps current. Finding them only; choosing among them is `policy`.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::Builder;

use tokio::sync::oneshot;

const HTTP: u16 = 80;

/// Where to look for replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// A name and port: `rng`, `rng:8080`. All addresses of `tasks.<name>`, else of `<name>`.
    Name(String, u16),
    /// Addresses that never change: `10.0.0.1:80,10.0.0.2:80`.
    Fixed(Vec<SocketAddr>),
    /// A file with one address a line, read again at each look: `@/run/rng.replicas`.
    File(PathBuf),
}

/// Why no replica could be found.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Neither name has an address.
    #[error("{name} cannot be resolved: {source}")]
    Name {
        /// The plain name.
        name: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The file is not there or holds something else than addresses.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl FromStr for Targets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix('@') {
            return Ok(Self::File(PathBuf::from(path)));
        }
        let fixed: Result<Vec<SocketAddr>, _> = text.split(',').map(str::parse).collect();
        if let Ok(addresses) = fixed {
            return Ok(Self::Fixed(addresses));
        }
        let (name, port) = text.rsplit_once(':').unwrap_or((text, "80"));
        let port = port.parse().map_err(|_| format!("'{port}' is no port"))?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            return Err(String::from("must be NAME[:PORT], IP:PORT[,IP:PORT...] or @FILE"));
        }
        Ok(Self::Name(name.to_owned(), if port == 0 { HTTP } else { port }))
    }
}

impl Targets {
    /// The replicas' addresses now, sorted. With `one_name` the tasks behind a name are not asked
    /// for: the name itself, which may be a virtual IP, is the only target.
    ///
    /// # Errors
    /// See [`ResolveError`]; an empty file is no error but a service scaled to 0.
    pub async fn resolve(&self, one_name: bool) -> Result<Vec<SocketAddr>, ResolveError> {
        let mut found = match self {
            Self::Fixed(addresses) => addresses.clone(),
            Self::File(path) => read_list(path)?,
            Self::Name(name, port) => {
                let plain = one_name || name.parse::<IpAddr>().is_ok();
                let tasks = if plain { Vec::new() } else { look_up_tasks(name, *port).await };
                match tasks.is_empty() {
                    false => tasks,
                    true => look_up(name, *port).await.map_err(|source| {
                        let name = name.clone();
                        ResolveError::Name { name, source }
                    })?,
                }
            }
        };
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

async fn look_up(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found = all_addresses(name, port).await?;
    // A host with both kinds of address is one replica, not two.
    let (four, six): (Vec<_>, Vec<_>) = found.into_iter().partition(SocketAddr::is_ipv4);
    Ok(if four.is_empty() { six } else { four })
}

/// All addresses of a name, looked up on a thread of its own: those of tokio end the process where the
/// system lets it start no further thread, and here that is an error like any other.
async fn all_addresses(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (answer, answered) = oneshot::channel();
    let name = name.to_owned();
    let look_up = move || {
        let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
        // Whoever asked may have given up.
        let _ = answer.send(found);
    };
    Builder::new().name("lookup".to_owned()).spawn(look_up)?;
    answered.await.unwrap_or_else(|_| Err(io::Error::other("the look-up was given up")))
}

/// Only swarms have `tasks.<name>`: not finding it is no failure.
async fn look_up_tasks(name: &str, port: u16) -> Vec<SocketAddr> {
    look_up(&format!("tasks.{name}"), port).await.unwrap_or_default()
}

/// Read without a thread, as it is a small file of this machine.
fn read_list(path: &PathBuf) -> Result<Vec<SocketAddr>, ResolveError> {
    let wrong = |reason: String| ResolveError::File { path: path.clone(), reason };
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().map_err(|_| wrong(format!("'{line}' is no IP:PORT")))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_names_addresses_or_files() {
        assert_eq!("rng".parse(), Ok(Targets::Name("rng".into(), 80)));
        assert_eq!("rng:8080".parse(), Ok(Targets::Name("rng".into(), 8080)));
        let fixed = vec![([127, 0, 0, 1], 81).into(), ([127, 0, 0, 1], 82).into()];
        assert_eq!("127.0.0.1:81,127.0.0.1:82".parse(), Ok(Targets::Fixed(fixed)));
        assert_eq!("@/run/list".parse(), Ok(Targets::File("/run/list".into())));
        for wrong in ["", ":80", "rng:http", "a b", "http://rng/", "127.0.0.1:81,rng"] {
            assert!(wrong.parse::<Targets>().is_err(), "{wrong:?} was accepted");
        }
    }

    #[tokio::test]
    async fn a_list_in_a_file_is_read_again_at_each_look() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replicas");
        let targets = Targets::File(path.clone());
        assert!(targets.resolve(false).await.unwrap_err().to_string().contains("replicas"));
        std::fs::write(&path, "127.0.0.1:82\n127.0.0.1:81\n127.0.0.1:82\n").unwrap();
        let expected: Vec<SocketAddr> =
            vec![([127, 0, 0, 1], 81).into(), ([127, 0, 0, 1], 82).into()];
        assert_eq!(targets.resolve(false).await.unwrap(), expected);
        std::fs::write(&path, "").unwrap();
        assert_eq!(targets.resolve(false).await.unwrap(), []);
        std::fs::write(&path, "rubbish\n").unwrap();
        assert!(targets.resolve(false).await.unwrap_err().to_string().contains("rubbish"));
    }

    #[tokio::test]
    async fn a_name_without_tasks_is_resolved_itself() {
        let localhost = Targets::Name("localhost".into(), 80).resolve(true).await.unwrap();
        assert!(
            localhost.iter().all(|address| address.ip().is_loopback()) && !localhost.is_empty()
        );
        // An empty label is refused without asking a name server.
        let missing = Targets::Name("no-such-host..invalid".into(), 80).resolve(false).await;
        assert!(missing.unwrap_err().to_string().contains("no-such-host..invalid"));
    }
}
