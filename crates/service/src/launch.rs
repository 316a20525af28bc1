//! From a command line to a running service and its exit code: what every service's `main` does.

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;

use crate::settings::{Common, Listen};
use crate::{Drained, Stop, check_health, preflight, settings};

/// Connections the kernel holds until they are accepted: enough for thousands of workers that
/// start together.
const BACKLOG: u32 = 4096;
/// Open files without which no service starts: its runtime, signals, a listener, a connection.
const FILES: usize = 12;
/// Threads without which no service writes its log or looks up a name.
const THREADS: usize = 2;

/// Why a service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or not allowed.
    #[error("cannot listen on {address} (set {flags}): {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// The flags that say where.
        flags: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Settings that are right by themselves, but not together or not on this machine.
    #[error("{0}")]
    Setting(String),
    /// A signal or the lifeline could not be set up, or the address not be announced.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// A service: how it is told what to do, and how it runs until its stop.
pub trait Service: Parser + Send + Sync + 'static {
    /// Its name, which is also the prefix of its environment variables.
    const NAME: &'static str;

    /// The settings all services share.
    fn common(&self) -> &Common;

    /// Where it is told to listen and answers `/health`; `None` when it has no port.
    fn health_address(&self) -> Option<SocketAddr>;

    /// Runs until `stop`. `replica` is the name this replica goes by.
    fn run(self, replica: String, stop: Stop) -> impl Future<Output = Result<Drained, StartError>>;
}

/// Runs service `S` with `arguments` (the program's name first) and returns its exit code: 0
/// after a stop, 1 when it could not start, 2 for wrong settings. With `--check-health` it asks the
/// running service instead: 0 when that is healthy, 1 when it is not.
#[must_use]
pub fn launch<S: Service>(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let service: S = match settings::parse(S::NAME, &arguments.into_iter().collect::<Vec<_>>()) {
        Ok(service) => service,
        Err(error) => return refused(&error),
    };
    if service.common().check_health {
        return check(&service);
    }
    raise_file_limit();
    if let Err(missing) = preflight::check(FILES, THREADS) {
        let _ = writeln!(io::stderr(), "error: cannot start: {missing}");
        return ExitCode::FAILURE;
    }
    if let Err(error) = crate::logging::start(service.common()) {
        let _ = writeln!(io::stderr(), "error: cannot start a thread for log lines: {error}");
        return ExitCode::FAILURE;
    }
    let code = run_logged(service);
    crate::logging::finish();
    code
}

/// Runs the service and logs how it ended.
fn run_logged<S: Service>(service: S) -> ExitCode {
    match run(service) {
        Ok(Drained::Clean) => tracing::info!("stopped"),
        Ok(Drained::CutOff) => tracing::warn!("stopped; requests under way were cut off"),
        Err(error) => {
            tracing::error!("{error}");
            return match error {
                StartError::Setting(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            };
        }
    }
    ExitCode::SUCCESS
}

fn refused(error: &clap::Error) -> ExitCode {
    let printed = error.print().and_then(|()| io::stdout().flush());
    match (error.exit_code(), printed) {
        // Help that could not be printed; whoever closed the pipe has seen enough.
        (0, Err(unprinted)) if unprinted.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: cannot print: {unprinted}");
            ExitCode::FAILURE
        }
        // With nowhere to print to, the exit code still reports it.
        (code, _) => ExitCode::from(u8::try_from(code).unwrap_or(2)),
    }
}

fn check<S: Service>(service: &S) -> ExitCode {
    let Some(address) = service.health_address().filter(|address| address.port() != 0) else {
        let message = format!(
            "--check-health: {} has no known port to ask; set the port it serves /health on",
            S::NAME
        );
        return refused(&S::command().error(ErrorKind::MissingRequiredArgument, message));
    };
    if let Err(missing) = preflight::check(FILES, 0) {
        let _ = writeln!(io::stderr(), "{} is unhealthy: cannot ask: {missing}", S::NAME);
        return ExitCode::FAILURE;
    }
    let checked = runtime().map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(check_health(address)).map_err(|error| error.to_string())
    });
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{} is unhealthy: {reason}", S::NAME);
            ExitCode::FAILURE
        }
    }
}

/// One thread: a service's work is waiting, and replicas, not threads, are how the app scales.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn run<S: Service>(service: S) -> Result<Drained, StartError> {
    let replica = service.common().replica.clone().unwrap_or_else(host_name);
    let lifeline = service.common().lifeline;
    let runtime = runtime()?;
    let drained = runtime.block_on(async {
        let stop = Stop::on_signals(lifeline)?;
        service.run(replica, stop).await
    });
    // A name lookup that hangs cannot be cut short, and must not hold up the end.
    runtime.shutdown_background();
    drained
}

/// Listens, and announces the address on standard output, where a parent that let the system
/// choose the port reads it.
///
/// # Errors
/// When the port is taken or not allowed, or standard output is closed.
pub fn listen(service: &str, listen: &Listen) -> Result<TcpListener, StartError> {
    listen_on(service, listen.socket(), "--address and --port")
}

/// The same where other `flags` say what to listen on.
///
/// # Errors
/// As [`listen`], by the names of `flags`.
pub fn listen_on(
    service: &str,
    address: SocketAddr,
    flags: &'static str,
) -> Result<TcpListener, StartError> {
    let listener = bind(address).map_err(|source| StartError::Listen { address, flags, source })?;
    let mut out = io::stdout().lock();
    writeln!(out, "{service} listening on {}", listener.local_addr()?)?;
    out.flush()?;
    Ok(listener)
}

/// A listening socket with a backlog for many clients at once.
///
/// # Errors
/// What the system says: the address is taken, not allowed, or not this machine's.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The machine's (or container's) host name.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Descriptors that a service needs beside those of its connections: the ones over the limit, those
/// to Redis, standard streams and timers.
const OWN_FILES: u64 = 128;

/// The open-file limit in force.
#[must_use]
pub fn file_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many connections the open-file limit leaves a service, at least one.
pub(crate) fn files_for_connections() -> u32 {
    let limit = file_limit();
    let left = limit - OWN_FILES.min(limit / 2);
    u32::try_from(left).unwrap_or(u32::MAX).max(1)
}

/// Lets the process open as many files as the system allows: each connection is one.
pub fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
}
