//! Where running apps keep their sockets, lists of replicas and passwords: a directory of this
//! user alone, with one directory in it for each app, named after the process that runs it. The
//! process that runs an app holds a lock on its directory, so that what a killed one left behind
//! is known even where its process id means another process by now.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::private_folder::{PrivateFolder, SafeParent, Unsafe};

/// The socket over which another bench scales the app.
pub(super) const CONTROL_SOCKET: &str = "control.sock";
/// The socket of its Redis.
pub(super) const REDIS_SOCKET: &str = "redis.sock";
/// The password that its Redis asks for over TCP.
pub(super) const REDIS_PASSWORD: &str = "redis-password";
/// Whether workers log their work: `true` or `false`.
pub(super) const WORK_LOG: &str = "work-log";
/// All that an app keeps. Whatever else is in its directory is not bench's and is left alone.
const KEPT: [&str; 10] = [
    CONTROL_SOCKET,
    REDIS_SOCKET,
    REDIS_PASSWORD,
    "redis-password.new",
    "rng",
    "rng.new",
    "hasher",
    "hasher.new",
    WORK_LOG,
    "work-log.new",
];
/// Longest path of a socket that a system takes, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;

/// How often an app's directory is tried to be had, while what was left of another is removed.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// Why there is no directory for apps.
#[derive(Debug, thiserror::Error)]
pub enum NoFolder {
    /// Another user could read or replace what is kept there.
    #[error("{cause}; {}", advice(*chosen))]
    Unsafe {
        /// What is wrong with it.
        cause: Unsafe,
        /// How it was chosen, and so what mends it.
        chosen: Chosen,
    },
    /// The environment names no directory that could be used.
    #[error(
        "XDG_RUNTIME_DIR is {}, which {why}; set it to a directory of this user alone, as \
         /run/user/UID is, or unset it",
        path.display()
    )]
    Named {
        /// What it is set to.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another process that runs has the same process id, as in containers that share a directory.
    #[error("{} is in use by another bench; do containers share it?", .0.display())]
    InUse(PathBuf),
}

/// How the directory was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// `XDG_RUNTIME_DIR` names it.
    Runtime,
    /// It is the one for temporary files.
    Temporary,
}

fn advice(chosen: Chosen) -> &'static str {
    match chosen {
        Chosen::Runtime => {
            "set XDG_RUNTIME_DIR to a directory of this user alone (mode 700), or unset it"
        }
        Chosen::Temporary => {
            "remove it if it is yours, or set XDG_RUNTIME_DIR to a directory of this user alone \
             (mode 700)"
        }
    }
}

/// The directory of the app that this process runs; removed when dropped.
#[derive(Debug)]
pub(super) struct AppFolder {
    user: PrivateFolder,
    own: PrivateFolder,
    name: String,
}

impl AppFolder {
    /// Makes the directory of the app that this process runs.
    pub(super) async fn create() -> Result<Self, NoFolder> {
        let place = Place::from_environment();
        let missing =
            |place: &Place| NoFolder::Named { path: place.parent.clone(), why: "does not exist" };
        let parent = place.open()?.ok_or_else(|| missing(&place))?;
        let refused = |cause| NoFolder::Unsafe { cause, chosen: place.chosen };
        let user = parent.make_folder(&place.name).map_err(refused)?;
        let name = std::process::id().to_string();
        for _ in 0..ATTEMPTS {
            let own = user.make_folder(&name).map_err(refused)?;
            // Another bench may be about to remove it, as one that no process holds.
            if own.try_lock() && user.still_has(&name, &own) {
                remove_contents(&own);
                return Ok(Self { user, own, name });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(NoFolder::InUse(user.path().join(name)))
    }

    /// A directory in `place`, for tests.
    #[cfg(test)]
    pub(super) fn within(place: &Path) -> Self {
        let parent = SafeParent::open(place).unwrap().unwrap();
        let user = parent.make_folder("dockercoins").unwrap();
        let own = user.make_folder("1").unwrap();
        Self { user, own, name: "1".to_owned() }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.own.path()
    }

    /// A path to `name` in it that is short and good in this process only.
    pub(super) fn through_handle(&self, name: &str) -> PathBuf {
        self.own.through_handle(name)
    }

    /// A path to the socket `name` in it that other processes of this user can connect to, while
    /// this process runs: as it is, or where that is too long, through this process's handle.
    pub(super) fn reachable(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        match path.as_os_str().len() <= LONGEST_SOCKET_PATH {
            true => path,
            false => self.own.through_handle_of(std::process::id(), name),
        }
    }

    /// Writes the file `name` in it, in place of an older one.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> std::io::Result<()> {
        self.own.write(name, content)
    }
}

impl Drop for AppFolder {
    fn drop(&mut self) {
        remove_contents(&self.own);
        let _ = self.user.remove_folder(&self.name);
    }
}

/// Removes what bench keeps there, and nothing else.
fn remove_contents(own: &PrivateFolder) {
    for name in KEPT {
        // Most are not there at all times.
        let _ = own.remove_file(name);
    }
}

/// The directory of an app, running or not.
#[derive(Debug)]
pub struct AppFound {
    /// Process id of the bench that runs it, or did.
    pub pid: u32,
    name: String,
    own: PrivateFolder,
}

impl AppFound {
    /// A path to its control socket, good in this process only.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.own.through_handle(CONTROL_SOCKET)
    }
}

/// The apps of this user.
#[derive(Debug)]
pub struct Apps {
    /// The directory that theirs are in; `None` where there never was one.
    user: Option<PrivateFolder>,
}

impl Apps {
    /// The apps of this user.
    ///
    /// # Errors
    /// When another user could have made or replaced the directory that they are in.
    pub fn of_this_user() -> Result<Self, NoFolder> {
        let place = Place::from_environment();
        let refused = |cause| NoFolder::Unsafe { cause, chosen: place.chosen };
        let user = match place.open()? {
            Some(parent) => parent.folder(&place.name).map_err(refused)?,
            None => None,
        };
        Ok(Self { user })
    }

    /// Each app's directory, by process id. What is not private, or not named after a process, is
    /// not one.
    #[must_use]
    pub fn all(&self) -> Vec<AppFound> {
        let Some(user) = &self.user else { return Vec::new() };
        let found = |name: &OsStr| {
            let name = name.to_str()?;
            let pid: u32 = name.parse().ok().filter(|pid: &u32| pid.to_string() == name)?;
            let own = user.folder(name).ok()??;
            Some(AppFound { pid, name: name.to_owned(), own })
        };
        let names = user.names().unwrap_or_default();
        let mut apps: Vec<_> = names.iter().filter_map(|name| found(name)).collect();
        apps.sort_by_key(|app| app.pid);
        apps
    }

    /// Removes the directory of an app that no process runs any more.
    pub fn remove_stale(&self, app: &AppFound) {
        let Some(user) = &self.user else { return };
        if app.own.try_lock() && user.still_has(&app.name, &app.own) {
            remove_contents(&app.own);
            let _ = user.remove_folder(&app.name);
        }
    }
}

/// Where this user's apps are looked for.
#[derive(Debug)]
struct Place {
    parent: PathBuf,
    name: String,
    chosen: Chosen,
}

impl Place {
    fn from_environment() -> Self {
        match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => Self {
                parent: folder.into(),
                name: "dockercoins".to_owned(),
                chosen: Chosen::Runtime,
            },
            None => Self {
                parent: std::env::temp_dir(),
                name: format!("dockercoins-{}", rustix::process::geteuid().as_raw()),
                chosen: Chosen::Temporary,
            },
        }
    }

    /// The directory that this user's is in; `None` when there is none.
    fn open(&self) -> Result<Option<SafeParent>, NoFolder> {
        let refused = |cause| NoFolder::Unsafe { cause, chosen: self.chosen };
        if self.chosen == Chosen::Runtime && !self.parent.is_absolute() {
            let why = "is not an absolute path";
            return Err(NoFolder::Named { path: self.parent.clone(), why });
        }
        match (SafeParent::open(&self.parent).map_err(refused)?, self.chosen) {
            (Some(parent), Chosen::Runtime) => Ok(Some(parent.of_this_user().map_err(refused)?)),
            (parent, _) => Ok(parent),
        }
    }
}
