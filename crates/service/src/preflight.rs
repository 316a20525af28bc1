//! Whether the system grants what a process cannot do without: some open files and threads. A runtime
//! without them ends the process in the middle of something; asked for up front, their lack is a
//! sentence. It starts nothing that stays.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::thread::Builder;

use rustix::process::{Resource, getrlimit};

/// What is missing.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// Open files.
    #[error(
        "too few open files: {needed} more are needed to start and the limit is {limit}; raise it with `ulimit -n 1024`, or close what was passed on open"
    )]
    Files {
        /// How many must be free.
        needed: usize,
        /// How many are allowed in all.
        limit: String,
    },
    /// Threads.
    #[error(
        "the system lets this process start no further thread ({source}); raise the limit of processes (`ulimit -u`, or `pids` of a container)"
    )]
    Threads {
        /// What it said.
        source: io::Error,
    },
}

/// Checks that this number of files can be opened and of threads started, besides those there are.
///
/// # Errors
/// When they cannot.
pub fn check(files: usize, threads: usize) -> Result<(), Missing> {
    let mut opened = Vec::new();
    for _ in 0..files.div_ceil(2) {
        // Needs no file system, which a container may not have.
        let Ok(pair) = UnixStream::pair() else {
            let limit = getrlimit(Resource::Nofile).current;
            let limit = limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
            return Err(Missing::Files { needed: files, limit });
        };
        opened.push(pair);
    }
    drop(opened);
    enough_threads(threads)
}

/// Checks that this number of threads can run at once: each waits until the senders are dropped.
fn enough_threads(threads: usize) -> Result<(), Missing> {
    let (mut started, mut senders) = (Vec::new(), Vec::new());
    let mut refused = None;
    for _ in 0..threads {
        let (sender, over) = channel::<()>();
        let wait = move || {
            let _ = over.recv();
        };
        match Builder::new().stack_size(SMALL_STACK).spawn(wait) {
            Ok(thread) => started.push(thread),
            Err(source) => refused = Some(Missing::Threads { source }),
        }
        senders.push(sender);
    }
    drop(senders);
    for thread in started {
        // It has nothing to say.
        let _ = thread.join();
    }
    refused.map_or(Ok(()), Err)
}

/// Enough for a thread that does nothing.
const SMALL_STACK: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_no_reason_to_refuse() {
        check(8, 2).unwrap();
        // More than any limit allows.
        let error = check(1 << 22, 0).unwrap_err().to_string();
        assert!(error.contains("ulimit -n"), "{error}");
    }
}
