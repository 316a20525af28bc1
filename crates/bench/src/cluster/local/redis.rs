//! The Redis of an app on this machine: the one that was named, or the embedded one. That is open
//! to this user alone: on a unix socket in the app's private directory and, only where a port was
//! asked for, over TCP with a password.

use std::fmt;
use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::RngExt as _;
use redis_address::{Password, Readers, RedisAddress, password_of};
use tokio::net::{TcpListener, UnixListener, UnixSocket};
use tokio::task::JoinSet;

use super::folder::{AppFolder, REDIS_PASSWORD, REDIS_SOCKET};
use super::port_owner;
use crate::failure::Failure;
use crate::shell::quoted;

/// Connections that wait until they are accepted: all workers of a machine may start together.
const BACKLOG: u32 = 4096;
/// Clients of the port at a time. They do not count among those of the socket, so that no crowd at
/// the port keeps out the app.
pub(super) const PORT_CLIENTS: usize = 64;
/// How long a client of the port may take to log in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Of a password that bench makes, in bytes.
const PASSWORD_LENGTH: usize = 24;
/// Prefix of bench's environment variables.
const PROGRAM: &str = "BENCH";

/// Which Redis an app is to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// One that runs already; `None` for the embedded one.
    pub named: Option<RedisAddress>,
    /// The user to log in there as.
    pub user: Option<String>,
    /// A file with the password, for `named` or for `port`.
    pub password_file: Option<PathBuf>,
    /// The port of loopback on which the embedded one is open, too; 0 for any free one.
    pub port: Option<u16>,
}

/// A way to the embedded Redis, as a command that can be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its unix socket.
    Socket(PathBuf),
    /// Its port, with the password in a file.
    PortWithFile(u16, PathBuf),
    /// Its port, with the password that is in bench's environment.
    PortWithVariable(u16),
}

impl fmt::Display for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |path: &Path| quoted(&path.to_string_lossy());
        match self {
            Self::Socket(path) => write!(out, "redis-cli -s {}", word(path)),
            Self::PortWithFile(port, file) => {
                write!(out, "REDISCLI_AUTH=\"$(cat {})\" redis-cli -p {port}", word(file))
            }
            Self::PortWithVariable(port) => {
                write!(out, "REDISCLI_AUTH=\"${PROGRAM}_REDIS_PASSWORD\" redis-cli -p {port}")
            }
        }
    }
}

/// The Redis that an app uses.
#[derive(Debug)]
pub(super) struct Redis {
    /// For workers and webui.
    pub(super) address: RedisAddress,
    /// How the user reaches the embedded one; empty for another.
    pub(super) access: Vec<Access>,
}

/// Logs in to the named Redis, or serves the embedded one among `servers`.
pub(super) fn start(
    choice: &Choice,
    folder: &AppFolder,
    servers: &mut JoinSet<()>,
) -> Result<Redis, Failure> {
    if let Some(named) = &choice.named {
        let password = password(choice)?;
        let address = named.clone().with_login(choice.user.as_deref(), password.as_ref());
        let address = address.map_err(|error| Failure::Redis(format!("--redis: {error}")))?;
        return Ok(Redis { address, access: Vec::new() });
    }
    let failed = |error: std::io::Error| Failure::Start(format!("no socket for Redis: {error}"));
    let path = folder.reachable(REDIS_SOCKET);
    let socket = RedisAddress::unix(path.clone())
        .ok_or_else(|| Failure::Start(format!("no address of Redis: {}", path.display())))?;
    let redis = embedded_redis::Redis::new();
    let listener = listen(&folder.through_handle(REDIS_SOCKET)).map_err(failed)?;
    servers.spawn(embedded_redis::serve(listener, redis.clone(), std::future::pending()));
    let mut access = vec![Access::Socket(path)];
    if let Some(port) = choice.port {
        let (listener, port) = publish(port)?;
        let (password, with_password) = port_password(choice, folder, port)?;
        let redis = redis
            .with_password(embedded_redis::Password::new(password.expose()))
            .with_maximum_clients(PORT_CLIENTS)
            .with_login_timeout(LOGIN_TIMEOUT);
        servers.spawn(embedded_redis::serve(listener, redis, std::future::pending()));
        access.push(with_password);
    }
    Ok(Redis { address: socket, access })
}

/// A socket that its owner alone can connect to.
fn listen(path: &Path) -> std::io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)
}

fn publish(port: u16) -> Result<(TcpListener, u16), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = service::launch::bind(address).and_then(|listener| {
        let port = listener.local_addr()?.port();
        Ok((listener, port))
    });
    listener.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => Failure::PortTaken {
            service: "redis",
            port,
            owner: port_owner::of(port).map(|owner| format!(" by {owner}")).unwrap_or_default(),
        },
        _ => Failure::Publish { service: "redis", address, source },
    })
}

/// The password that the port asks for, and how it is typed: the one that was given, or a random
/// one in a file of the app's private directory.
fn port_password(
    choice: &Choice,
    folder: &AppFolder,
    port: u16,
) -> Result<(Password, Access), Failure> {
    if let Some(given) = password(choice)? {
        let access = match &choice.password_file {
            Some(file) => Access::PortWithFile(port, file.clone()),
            None => Access::PortWithVariable(port),
        };
        return Ok((given, access));
    }
    let random: [u8; PASSWORD_LENGTH] = rand::rng().random();
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    folder
        .write(REDIS_PASSWORD, format!("{password}\n").as_bytes())
        .map_err(|error| Failure::Start(format!("no file for the password of Redis: {error}")))?;
    let file = folder.path().join(REDIS_PASSWORD);
    Ok((Password::new(password), Access::PortWithFile(port, file)))
}

fn password(choice: &Choice) -> Result<Option<Password>, Failure> {
    password_of(PROGRAM, choice.password_file.as_deref(), Readers::OwnerOnly)
        .map_err(|error| Failure::Redis(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_a_command_that_a_shell_takes() {
        for (access, command) in [
            (Access::Socket("/run/a/redis.sock".into()), "redis-cli -s /run/a/redis.sock"),
            (Access::Socket("/run/a b/redis.sock".into()), "redis-cli -s '/run/a b/redis.sock'"),
            (
                Access::PortWithFile(7, "/a/$b".into()),
                "REDISCLI_AUTH=\"$(cat '/a/$b')\" redis-cli -p 7",
            ),
            (Access::PortWithVariable(7), "REDISCLI_AUTH=\"$BENCH_REDIS_PASSWORD\" redis-cli -p 7"),
        ] {
            assert_eq!(access.to_string(), command);
        }
    }
}
