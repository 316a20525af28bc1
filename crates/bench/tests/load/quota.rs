//! A control group with a processor quota, of version 1 or 2, for as long as a test runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Microseconds of a period.
const PERIOD: f64 = 100_000.0;
/// What to do where no group can be made.
const MEANS: &str = "this needs /sys/fs/cgroup mounted for writing";

/// A group with a quota; removed in the end.
pub(crate) struct Quota(PathBuf);

impl Quota {
    /// A group whose processes may use `processors` processors together. Only root may make one.
    pub(crate) fn new(processors: f64) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let root = rustix::process::geteuid().is_root();
        assert!(
            root,
            "this gives a process a quota: run it as root, or in a container where you are"
        );
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-test-{}-{number}", std::process::id());
        let root = Path::new("/sys/fs/cgroup");
        let microseconds = (processors * PERIOD).round();
        if root.join("cgroup.controllers").exists() {
            // Not all machines have it switched on for groups below the root.
            let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu");
            let group = Self::made(root.join(name));
            group.write("cpu.max", &format!("{microseconds} {PERIOD}"));
            group
        } else {
            let group = Self::made(root.join("cpu").join(name));
            group.write("cpu.cfs_period_us", &PERIOD.to_string());
            group.write("cpu.cfs_quota_us", &microseconds.to_string());
            group
        }
    }

    fn made(folder: PathBuf) -> Self {
        let made = fs::create_dir(&folder);
        assert!(made.is_ok(), "{}: {made:?}; {MEANS}", folder.display());
        Self(folder)
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        let written = fs::write(&path, text);
        assert!(written.is_ok(), "{}: {written:?}; {MEANS}", path.display());
    }

    /// The same command, run within the group.
    pub(crate) fn command(&self, command: &Command) -> Command {
        let mut within = Command::new("sh");
        within.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]);
        within.arg(self.0.join("cgroup.procs")).arg(command.get_program());
        within.args(command.get_args());
        within
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // Its processes have ended; a group that is still busy stays, which does no harm.
        let _ = fs::remove_dir(&self.0);
    }
}
