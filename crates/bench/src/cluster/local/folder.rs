//! Where running apps keep their control sockets and lists of replicas: a directory of this user
//! alone, with one directory in it for each app, named after the process that runs it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::test_kill_process;

/// An app's own directory; removed when dropped.
#[derive(Debug)]
pub(super) struct AppFolder(PathBuf);

impl AppFolder {
    /// Makes the directory of the app that this process runs.
    pub(super) fn create() -> Result<Self, String> {
        let parent = user_folder();
        make_private(&parent)?;
        let path = parent.join(std::process::id().to_string());
        // A process that had the same id may have been killed.
        let _ = fs::remove_dir_all(&path);
        make_private(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for AppFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The directories of this user's apps, running or not.
#[must_use]
pub fn app_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(user_folder()).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// Removes the directory of an app if the process that ran it is gone.
pub fn remove_stale(folder: &Path) {
    let pid = folder.file_name().and_then(|name| name.to_str()?.parse::<i32>().ok());
    let pid = pid.and_then(rustix::process::Pid::from_raw);
    if pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH)) {
        let _ = fs::remove_dir_all(folder);
    }
}

fn user_folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder).join("dockercoins"),
        _ => {
            let user = rustix::process::geteuid().as_raw();
            std::env::temp_dir().join(format!("dockercoins-{user}"))
        }
    }
}

/// Makes a directory that only this user can enter, and refuses one that is not so: in a shared
/// place somebody else may have made it first.
fn make_private(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(format!("cannot make {shown}: {error}")),
    }
    let found = fs::symlink_metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    let user = rustix::process::geteuid().as_raw();
    if found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(format!("{shown} is not a directory of this user alone; remove it or set XDG_RUNTIME_DIR"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("apps");
        assert_eq!(make_private(&path), Ok(()));
        assert_eq!(make_private(&path), Ok(()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(make_private(&path).unwrap_err().contains("this user alone"));
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(parent.path(), &link).unwrap();
        assert!(make_private(&link).is_err());
    }
}
