//! A directory of this user alone, held open. Everything in it is read, written, removed and
//! connected to from the open handle, so that no change another user makes to a path leads
//! elsewhere. It knows nothing of what is kept there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, Stat, flock};
use rustix::fs::{fstat, mkdirat, open, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

/// What is asked of each directory: only what is one, never a link to one.
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Permission bits of group and others.
const OTHERS: u32 = 0o077;
/// Permission to write, of group and others.
const OTHERS_WRITE: u32 = 0o022;
/// Set where only the owner of an entry may rename or remove it, as in `/tmp`.
const STICKY: u32 = 0o1000;

/// Why a directory is not used.
#[derive(Debug, thiserror::Error)]
pub enum Unsafe {
    /// Another user could replace what is in it.
    #[error("{} is not safe to keep sockets and passwords in: {why}", path.display())]
    Shared {
        /// The directory.
        path: PathBuf,
        /// In what way it is not this user's alone.
        why: String,
    },
    /// The system refused.
    #[error("cannot use the directory {}: {source}", path.display())]
    System {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An open directory that only this user can enter.
#[derive(Debug)]
pub(super) struct PrivateFolder {
    handle: OwnedFd,
    path: PathBuf,
}

/// The directory in which private ones are kept. Others may enter it, but cannot replace what
/// this user keeps there.
#[derive(Debug)]
pub(super) struct SafeParent {
    handle: OwnedFd,
    path: PathBuf,
}

impl SafeParent {
    /// Opens `path`, of which every directory on the way belongs to this user or to root and lets
    /// no one else rename what is in it. Links on the way are resolved first. `None` when there
    /// is no such directory.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Unsafe> {
        let system = |path: &Path, source| Unsafe::System { path: path.to_owned(), source };
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(system(path, error)),
        };
        let mut at = PathBuf::from("/");
        let flags = DIRECTORY | OFlags::PATH;
        let mut handle =
            open("/", flags, Mode::empty()).map_err(|error| system(&at, error.into()))?;
        for component in real.components() {
            let Component::Normal(name) = component else { continue };
            at.push(name);
            handle = openat(&handle, name, flags, Mode::empty())
                .map_err(|error| system(&at, error.into()))?;
            let found = fstat(&handle).map_err(|error| system(&at, error.into()))?;
            keeps_entries(&found)
                .map_err(|why| Unsafe::Shared { path: at.clone(), why: why.to_owned() })?;
        }
        Ok(Some(Self { handle, path: real }))
    }

    /// Refuses the directory unless it belongs to this user, and no one else may write to it.
    pub(super) fn of_this_user(self) -> Result<Self, Unsafe> {
        let shared = |why| Unsafe::Shared { path: self.path.clone(), why };
        let found = fstat(&self.handle).map_err(|error| self.system(error))?;
        let user = this_user();
        if found.st_uid != user {
            return Err(shared(belongs_to(found.st_uid)));
        }
        match found.st_mode & OTHERS_WRITE {
            0 => Ok(self),
            _ => Err(shared("others can write to it".to_owned())),
        }
    }

    /// The private directory `name` in it, if there is one.
    pub(super) fn folder(&self, name: &str) -> Result<Option<PrivateFolder>, Unsafe> {
        private(&self.handle, name, self.path.join(name))
    }

    /// The private directory `name` in it, made if it is not there.
    pub(super) fn make_folder(&self, name: &str) -> Result<PrivateFolder, Unsafe> {
        make_private(&self.handle, name, self.path.join(name))
    }

    fn system(&self, error: Errno) -> Unsafe {
        Unsafe::System { path: self.path.clone(), source: error.into() }
    }
}

impl PrivateFolder {
    /// Where it is. Only this user and root can make this path lead elsewhere.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A path to the entry `name` that goes through the open handle and is short, however long the
    /// directory's own is. It is good in this process only.
    pub(super) fn through_handle(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.handle.as_raw_fd()))
    }

    /// The same for other processes of this user, where `pid` is this one.
    pub(super) fn through_handle_of(&self, pid: u32, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{pid}/fd/{}/{name}", self.handle.as_raw_fd()))
    }

    /// The private directory `name` in it, if there is one.
    pub(super) fn folder(&self, name: &str) -> Result<Option<Self>, Unsafe> {
        private(&self.handle, name, self.path.join(name))
    }

    /// The private directory `name` in it, made if it is not there.
    pub(super) fn make_folder(&self, name: &str) -> Result<Self, Unsafe> {
        make_private(&self.handle, name, self.path.join(name))
    }

    /// The names of all that is in it, in order.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = Dir::read_from(&self.handle)?;
        let name = |entry: Result<rustix::fs::DirEntry, Errno>| {
            entry.map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()))
        };
        let mut names = entries.map(name).collect::<Result<Vec<_>, _>>()?;
        names.retain(|name| name != "." && name != "..");
        names.sort();
        Ok(names)
    }

    /// Makes this process the one that holds the directory, until the handle is closed. `false`
    /// when another one does.
    pub(super) fn try_lock(&self) -> bool {
        flock(&self.handle, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Whether the entry `name` of it is this same directory `folder`, and not a newer one.
    pub(super) fn still_has(&self, name: &str, folder: &Self) -> bool {
        let there = statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        let same = |there: Stat| {
            fstat(&folder.handle)
                .is_ok_and(|held| (held.st_dev, held.st_ino) == (there.st_dev, there.st_ino))
        };
        there.is_ok_and(same)
    }

    /// Writes the file `name`, in place of an older one: aside and moved there, so that no reader
    /// finds half of it. Only this user can read it.
    pub(super) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let aside = format!("{name}.new");
        // What a write that was cut short left there.
        let _ = self.remove_file(&aside);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.handle, &aside, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(content)?;
        renameat(&self.handle, &aside, &self.handle, name)?;
        Ok(())
    }

    /// Removes the file or socket `name`; a directory is left alone.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Removes the directory `name` if it is empty.
    pub(super) fn remove_folder(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }
}

fn make_private(parent: &OwnedFd, name: &str, path: PathBuf) -> Result<PrivateFolder, Unsafe> {
    match mkdirat(parent, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(Unsafe::System { path, source: error.into() }),
    }
    let gone = || Unsafe::System { path: path.clone(), source: Errno::NOENT.into() };
    private(parent, name, path.clone())?.ok_or_else(gone)
}

/// Opens the directory `name` of `parent` and checks it on the open handle.
fn private(parent: &OwnedFd, name: &str, path: PathBuf) -> Result<Option<PrivateFolder>, Unsafe> {
    let handle = match openat(parent, name, DIRECTORY | OFlags::RDONLY, Mode::empty()) {
        Ok(handle) => handle,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            let why = "it is a link or a file, not a directory".to_owned();
            return Err(Unsafe::Shared { path, why });
        }
        // A directory that this user cannot read is another user's.
        Err(error) => match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if found.st_uid != this_user() => {
                return Err(Unsafe::Shared { path, why: belongs_to(found.st_uid) });
            }
            _ => return Err(Unsafe::System { path, source: error.into() }),
        },
    };
    let found = fstat(&handle)
        .map_err(|error| Unsafe::System { path: path.clone(), source: error.into() })?;
    if found.st_uid != this_user() {
        return Err(Unsafe::Shared { path, why: belongs_to(found.st_uid) });
    }
    match found.st_mode & OTHERS {
        0 => Ok(Some(PrivateFolder { handle, path })),
        _ => Err(Unsafe::Shared { path, why: "other users can enter or list it".to_owned() }),
    }
}

/// Whether no user but this one and root can rename or remove what this user keeps in a directory.
fn keeps_entries(found: &Stat) -> Result<(), &'static str> {
    if found.st_uid != 0 && found.st_uid != this_user() {
        return Err("it belongs to another user");
    }
    match found.st_mode & OTHERS_WRITE == 0 || found.st_mode & STICKY != 0 {
        true => Ok(()),
        false => Err("others can write to it, and so replace what is in it"),
    }
}

fn belongs_to(user: u32) -> String {
    format!("it belongs to another user (uid {user})")
}

fn this_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn parent(path: &Path) -> SafeParent {
        SafeParent::open(path).unwrap().unwrap()
    }

    #[test]
    fn a_directory_that_others_can_enter_and_a_link_to_one_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let safe = parent(place.path());
        assert!(safe.folder("apps").unwrap().is_none());
        safe.make_folder("apps").unwrap();
        safe.make_folder("apps").unwrap();
        for others in [0o750, 0o701, 0o777] {
            mode(&place.path().join("apps"), others);
            let refused = safe.folder("apps").unwrap_err().to_string();
            assert!(refused.contains("other users can enter"), "{refused}");
        }
        mode(&place.path().join("apps"), 0o700);
        symlink("apps", place.path().join("link")).unwrap();
        fs::write(place.path().join("file"), "").unwrap();
        for name in ["link", "file"] {
            let refused = safe.make_folder(name).unwrap_err().to_string();
            assert!(refused.contains("link or a file"), "{refused}");
        }
    }

    #[test]
    fn every_directory_on_the_way_is_checked() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("open/inner");
        fs::create_dir_all(&inner).unwrap();
        assert!(SafeParent::open(&inner).unwrap().is_some());
        assert!(SafeParent::open(&inner.join("none")).unwrap().is_none());
        for (others, is_safe) in [(0o777, false), (0o775, false), (0o1777, true), (0o755, true)] {
            mode(&place.path().join("open"), others);
            assert_eq!(SafeParent::open(&inner).is_ok(), is_safe, "{others:o}");
        }
        // One that only its owner can replace entries in still lets others write.
        mode(&inner, 0o1777);
        let refused = parent(&inner).of_this_user().unwrap_err().to_string();
        assert!(refused.contains("others can write"), "{refused}");
        mode(&inner, 0o755);
        assert!(parent(&inner).of_this_user().is_ok());
    }

    #[test]
    fn an_open_directory_stays_the_same_whatever_its_path_becomes() {
        let place = tempfile::tempdir().unwrap();
        let safe = parent(place.path());
        let held = safe.make_folder("apps").unwrap();
        let bait = tempfile::tempdir().unwrap();
        fs::write(bait.path().join("list"), "precious").unwrap();
        fs::rename(place.path().join("apps"), place.path().join("moved")).unwrap();
        symlink(bait.path(), place.path().join("apps")).unwrap();
        held.write("list", b"mine").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("moved/list")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(held.through_handle("list")).unwrap(), "mine");
        assert_eq!(held.names().unwrap(), ["list"]);
        held.remove_file("list").unwrap();
        assert_eq!(held.names().unwrap(), Vec::<OsString>::new());
        assert_eq!(fs::read_to_string(bait.path().join("list")).unwrap(), "precious");
    }

    #[test]
    fn a_file_is_for_its_owner_alone_and_never_written_through_a_link() {
        let place = tempfile::tempdir().unwrap();
        let held = parent(place.path()).make_folder("apps").unwrap();
        let bait = place.path().join("bait");
        fs::write(&bait, "precious").unwrap();
        symlink(&bait, held.path().join("secret.new")).unwrap();
        symlink(&bait, held.path().join("secret")).unwrap();
        held.write("secret", b"s3cret").unwrap();
        assert_eq!(fs::read_to_string(&bait).unwrap(), "precious");
        let written = fs::symlink_metadata(held.path().join("secret")).unwrap();
        assert_eq!(written.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_process_at_a_time_holds_a_directory() {
        let place = tempfile::tempdir().unwrap();
        let safe = parent(place.path());
        let first = safe.make_folder("apps").unwrap();
        assert!(first.try_lock());
        let second = safe.folder("apps").unwrap().unwrap();
        assert!(!second.try_lock());
        drop(first);
        assert!(second.try_lock());
        let user = safe.make_folder("user").unwrap();
        let app = user.make_folder("1").unwrap();
        assert!(user.still_has("1", &app));
        user.remove_folder("1").unwrap();
        user.make_folder("1").unwrap();
        assert!(!user.still_has("1", &app));
    }
}
