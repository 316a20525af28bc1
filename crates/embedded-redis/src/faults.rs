//! Faults that a test can switch on while the server runs; must change nothing while none is set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// A handle on the faults of one server. Clones act on the same server; new settings hold for
/// the next command of every connection.
#[derive(Debug, Clone)]
pub struct Faults {
    settings: Arc<Mutex<Settings>>,
    /// Counts the calls to `disconnect_all`.
    disconnects: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Settings {
    reply_delay: Duration,
    refuse_connections: bool,
    drops: Vec<DropRule>,
}

/// Replies still to be dropped, of one command (in lower case) or of any.
#[derive(Debug)]
struct DropRule {
    command: Option<String>,
    times: usize,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self { settings: Arc::default(), disconnects: Arc::new(watch::Sender::new(0)) }
    }

    /// Waits this long between doing a command and sending its reply, for each command of a
    /// pipeline in turn. Zero switches it off.
    pub fn delay_replies(&self, delay: Duration) {
        self.lock().reply_delay = delay;
    }

    /// Closes each new connection at once after accepting it, or stops doing so.
    pub fn refuse_connections(&self, refuse: bool) {
        self.lock().refuse_connections = refuse;
    }

    /// Closes every connection there is now, also in the middle of a pipeline. A command is done
    /// or not done, never half done.
    pub fn disconnect_all(&self) {
        self.disconnects.send_modify(|count| *count += 1);
    }

    /// The next `times` commands, whichever they are, are done but not answered: the connection
    /// is closed instead. Replies to earlier commands of the same pipeline are still sent.
    pub fn drop_replies(&self, times: usize) {
        self.lock().drops.push(DropRule { command: None, times });
    }

    /// As `drop_replies`, for commands of this name only (`"INCRBY"`, in any case), so that what
    /// a client sends on connecting does not use it up. For a transaction the name is `"EXEC"`.
    pub fn drop_replies_to(&self, command: &str, times: usize) {
        let command = Some(command.to_ascii_lowercase());
        self.lock().drops.push(DropRule { command, times });
    }

    /// Ends all faults set on this server.
    pub fn clear(&self) {
        *self.lock() = Settings::default();
    }

    pub(crate) fn reply_delay(&self) -> Duration {
        self.lock().reply_delay
    }

    pub(crate) fn refuses_connections(&self) -> bool {
        self.lock().refuse_connections
    }

    /// Whether the reply to this request is to be dropped; counts it as dropped if so.
    pub(crate) fn take_drop(&self, name: &[u8]) -> bool {
        let mut settings = self.lock();
        let wanted = |drop: &DropRule| {
            drop.command.as_ref().is_none_or(|it| name.eq_ignore_ascii_case(it.as_bytes()))
        };
        let Some(position) = settings.drops.iter().position(wanted) else {
            return false;
        };
        settings.drops[position].times = settings.drops[position].times.saturating_sub(1);
        if settings.drops[position].times == 0 {
            settings.drops.remove(position);
        }
        true
    }

    /// Resolves for the connections of now on the next `disconnect_all`.
    pub(crate) fn disconnects(&self) -> watch::Receiver<u64> {
        self.disconnects.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
