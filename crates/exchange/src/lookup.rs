//! Names to addresses, on threads of its own. Those of tokio end the process where the system lets it
//! start no further thread; here that is an error like any other.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a thread waits for another name before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// Threads that have nothing to do.
static WAITING: Mutex<Vec<Thread>> = Mutex::new(Vec::new());

/// A name to look up, and where its addresses go.
struct Name {
    host: String,
    port: u16,
    answer: oneshot::Sender<io::Result<Vec<SocketAddr>>>,
}

/// The way to a thread.
#[derive(Clone)]
struct Thread {
    number: std::thread::ThreadId,
    names: Sender<Name>,
}

/// All addresses of a name, as the system knows them.
///
/// # Errors
/// When it has none, or no thread can be started to ask.
pub async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (answer, answered) = oneshot::channel();
    let mut name = Name { host: host.to_owned(), port, answer };
    loop {
        let waiting = waiting().pop();
        let Some(thread) = waiting else {
            start(name)?;
            break;
        };
        match thread.names.send(name) {
            Ok(()) => break,
            // It has ended in the meantime.
            Err(SendError(unsent)) => name = unsent,
        }
    }
    answered.await.unwrap_or_else(|_| Err(io::Error::other("the lookup was given up")))
}

fn waiting() -> MutexGuard<'static, Vec<Thread>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(first: Name) -> io::Result<()> {
    let (names, to_look_up) = channel();
    let work = move || {
        let thread = Thread { number: std::thread::current().id(), names };
        let mut next = Some(first);
        while let Some(Name { host, port, answer }) = next {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            // Before the answer, so that whoever has it finds this thread at hand.
            waiting().push(thread.clone());
            // Whoever asked may have given up.
            let _ = answer.send(found);
            next = await_name(&thread, &to_look_up);
        }
    };
    let started = Builder::new().name("lookup".to_owned()).spawn(work);
    let explained = |error: io::Error| {
        io::Error::new(error.kind(), "the system lets this process start no further thread")
    };
    started.map(drop).map_err(explained)
}

/// The next name for a thread; `None` when it is to end.
fn await_name(thread: &Thread, names: &Receiver<Name>) -> Option<Name> {
    match names.recv_timeout(IDLE) {
        Ok(name) => Some(name),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => {
            let mut waiting = waiting();
            let known = waiting.iter().position(|other| other.number == thread.number);
            match known {
                Some(at) => {
                    waiting.swap_remove(at);
                    None
                }
                // It was chosen a moment ago: a name is on its way.
                None => {
                    drop(waiting);
                    names.recv().ok()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_are_looked_up_side_by_side_and_one_after_the_other() {
        let both = tokio::join!(look_up("localhost", 1), look_up("127.0.0.1", 2));
        assert!(both.0.unwrap().iter().all(|address| address.port() == 1));
        assert_eq!(both.1.unwrap(), ["127.0.0.1:2".parse().unwrap()]);
        for port in 3..9 {
            let found = look_up("localhost", port).await.unwrap();
            assert!(found.iter().all(|address| address.ip().is_loopback()));
        }
        assert!(look_up("no-such-host.invalid", 1).await.is_err());
    }
}
