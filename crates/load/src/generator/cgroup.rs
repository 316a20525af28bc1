//! The processor quota of this process's control group and of those above it, of version 1 and
//! version 2, and how often it was throttled by it. All of it is read from files below a root that
//! the caller gives, so that captured files can be read too.
//!
//! Sources: the kernel's `Documentation/admin-guide/cgroup-v2.rst` (`cpu.max`, `cpu.stat`),
//! `Documentation/scheduler/sched-bwc.rst` (`cpu.cfs_quota_us`, `throttled_time`), and proc(5) for
//! `/proc/PID/cgroup` and `/proc/PID/mountinfo`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::numbers::{float, nanoseconds};

/// Ancestors of this process that are looked at.
const MOST_ANCESTORS: usize = 16;

/// Processor time that a group may use in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Time on processors.
    pub time: Duration,
    /// In each period of this length.
    pub period: Duration,
}

/// How often and how long a group was throttled: its quota was used up and it had to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttled {
    /// Periods in which it was.
    pub times: u64,
    /// For how long, summed over processors.
    pub time: Duration,
}

/// The groups of this process whose quota binds it, the innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups(Vec<Group>);

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    folder: PathBuf,
    version: Version,
}

/// Version of the interface of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// What a group and each above it has counted so far; see [`Groups::throttled_since`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted(Vec<Option<Throttled>>);

impl Quota {
    /// How many processors that is.
    #[must_use]
    pub fn processors(self) -> f64 {
        float(nanoseconds(self.time)) / float(nanoseconds(self.period))
    }
}

impl Groups {
    /// Those of this process, as files below `root` (`/` but in tests) say: in what is mounted for
    /// this process, or else for the nearest of its ancestors that may be looked at, since `ip netns
    /// exec` hides them from what it starts.
    /// None where there are no control groups, or none that limits processors.
    #[must_use]
    pub fn of_this_process(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let cgroup = read("proc/self/cgroup");
        let found = |process: &str, root: &Path| {
            let mountinfo = read(&format!("proc/{process}/mountinfo"));
            let (version, mount, inner) = folders(&cgroup, &mountinfo)?;
            let below = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
            let folders = inner.ancestors().take_while(|folder| folder.starts_with(&mount));
            let group = |folder: &Path| Group { folder: below(folder), version };
            let groups: Vec<_> = folders.map(group).collect();
            groups.first()?.folder.is_dir().then_some(Self(groups))
        };
        let parent = |process: &String| {
            let status = read(&format!("proc/{process}/status"));
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim();
            (parent != "0").then(|| parent.to_owned())
        };
        let ancestors = std::iter::successors(Some("self".to_owned()), parent).skip(1);
        let of_ancestor =
            |process: String| found(&process, &root.join(format!("proc/{process}/root")));
        found("self", root)
            .or_else(|| ancestors.take(MOST_ANCESTORS).find_map(of_ancestor))
            .unwrap_or_default()
    }

    /// The narrowest quota of all of them.
    #[must_use]
    pub fn quota(&self) -> Option<Quota> {
        let quotas = self.0.iter().filter_map(Group::quota);
        quotas.min_by(|one, other| one.processors().total_cmp(&other.processors()))
    }

    /// What all of them have counted so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        Counted(self.0.iter().map(Group::throttled).collect())
    }

    /// How the group that was throttled longest since `before` was; `None` where none counts.
    #[must_use]
    pub fn throttled_since(&self, before: &Counted) -> Option<Throttled> {
        let now = self.counted();
        let since = now.0.into_iter().zip(&before.0).filter_map(|(now, before)| {
            let (now, before) = (now?, (*before)?);
            Some(Throttled {
                times: now.times.saturating_sub(before.times),
                time: now.time.saturating_sub(before.time),
            })
        });
        since.max_by_key(|throttled| (throttled.time, throttled.times))
    }
}

impl Group {
    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    fn quota(&self) -> Option<Quota> {
        match self.version {
            Version::One => {
                quota(&self.read("cpu.cfs_quota_us")?, &self.read("cpu.cfs_period_us")?)
            }
            Version::Two => {
                let max = self.read("cpu.max")?;
                let (time, period) = max.trim().split_once(' ')?;
                quota(time, period)
            }
        }
    }

    fn throttled(&self) -> Option<Throttled> {
        throttled(&self.read("cpu.stat")?, self.version)
    }
}

/// A quota of microseconds; `max` and -1 are none.
fn quota(time: &str, period: &str) -> Option<Quota> {
    let microseconds = |text: &str| text.trim().parse().ok().map(Duration::from_micros);
    let (time, period) = (microseconds(time)?, microseconds(period)?);
    (!period.is_zero()).then_some(Quota { time, period })
}

/// The counters of `cpu.stat`: nanoseconds in version 1, microseconds in version 2.
fn throttled(stat: &str, version: Version) -> Option<Throttled> {
    let field = |name: &str| {
        let line = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse::<u64>().ok()
    };
    let time = match version {
        Version::One => Duration::from_nanos(field("throttled_time")?),
        Version::Two => Duration::from_micros(field("throttled_usec")?),
    };
    Some(Throttled { times: field("nr_throttled")?, time })
}

/// Version, mount point and folder of the group that limits processors: that of version 1 where its
/// controller `cpu` is mounted, else that of version 2.
fn folders(cgroup: &str, mountinfo: &str) -> Option<(Version, PathBuf, PathBuf)> {
    let mounts: Vec<_> = mountinfo.lines().filter_map(Mount::parse).collect();
    let groups = || {
        cgroup.lines().filter_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            Some((fields.next()?, fields.next()?))
        })
    };
    let has_cpu = |list: &str| list.split(',').any(|name| name == "cpu");
    let one = || {
        let (_, path) = groups().find(|(controllers, _)| has_cpu(controllers))?;
        let mount = mounts.iter().find(|m| m.kind == "cgroup" && has_cpu(m.options))?;
        Some((Version::One, mount, path))
    };
    let two = || {
        let (_, path) = groups().find(|(controllers, _)| controllers.is_empty())?;
        let mount = mounts.iter().find(|mount| mount.kind == "cgroup2")?;
        Some((Version::Two, mount, path))
    };
    let (version, mount, path) = one().or_else(two)?;
    let point = PathBuf::from(unescaped(mount.point));
    // What is mounted may be a part of the tree, and a path outside of it begins with `/..`.
    let within = Path::new(path).strip_prefix(unescaped(mount.root)).ok();
    let within = within.filter(|path| !path.starts_with(".."));
    let folder = within.map_or_else(|| point.clone(), |within| point.join(within));
    Some((version, point, folder))
}

/// A line of `mountinfo`.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut file_system = file_system.split(' ');
        Some(Self {
            root: mount.next()?,
            point: mount.next()?,
            kind: file_system.next()?,
            options: file_system.nth(1)?,
        })
    }
}

/// A path of `mountinfo`, in which space, tab, newline and backslash are three octal digits.
fn unescaped(path: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(path.to_owned(), |path, (code, text)| path.replace(code, text))
}

#[cfg(test)]
mod tests;
