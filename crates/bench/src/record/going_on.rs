//! A sweep that goes on in the directory where a break left it: only the same sweep, of the same app,
//! and one process at a time.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{RUN, Recorder, Run, SAMPLES};
use crate::analyse::Grid;
use crate::failure::Failure;
use crate::measure::Samples;

/// What a sweep was asked for; what is empty stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The axes.
    #[serde(flatten)]
    pub grid: Grid,
    /// Whether every cell is measured.
    pub full: bool,
    /// The policies that were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// On which app and how, by name: all that makes the same cell another measurement.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// A later command that went on with a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WentOn {
    /// When, RFC 3339.
    pub at: String,
    /// The command line, without the user names and passwords of URLs.
    pub command: Vec<String>,
    /// Cells that were there already.
    pub after: usize,
}

/// A recorder, and the samples that are there already.
#[derive(Debug)]
pub struct Begun {
    /// Where to go on.
    pub recorder: Recorder,
    /// What was measured before.
    pub before: Vec<Samples>,
}

impl Recorder {
    /// Begins a sweep in `folder`, or goes on with the same one where a break left it.
    ///
    /// # Errors
    /// When the directory cannot be used, holds something else, or is in use.
    pub fn begin_or_go_on(folder: &Path, asked: &Asked) -> Result<Begun, Failure> {
        if !folder.join(RUN).exists() {
            let mut recorder = Self::begin(folder)?;
            recorder.run.sweep = Some(asked.clone());
            recorder.write_run()?;
            return Ok(Begun { recorder, before: Vec::new() });
        }
        Self::go_on(folder, asked)
            .map_err(|reason| Failure::Out { path: folder.to_owned(), reason })
    }

    fn go_on(folder: &Path, asked: &Asked) -> Result<Begun, String> {
        let words = |error: io::Error| error.to_string();
        let path = folder.join(SAMPLES);
        let samples = OpenOptions::new().append(true).open(&path).map_err(words)?;
        lock(&samples)?;
        // Not before: whoever had the lock may have written until then.
        let text = fs::read(folder.join(RUN)).map_err(words)?;
        let run: Option<Run> = serde_json::from_slice(&text).ok();
        let earlier = run.filter(|run| run.sweep.is_some());
        let other = "it already holds a run; name another directory";
        let earlier = earlier.ok_or(other)?;
        if let Some(other) = differences(&earlier, asked) {
            return Err(format!(
                "it already holds a run of another sweep, {other}; name another \
                                directory"
            ));
        }
        let before = whole_steps(&path).map_err(words)?;
        let mut run = earlier.clone();
        run.went_on.push(WentOn {
            at: jiff::Timestamp::now().to_string(),
            command: super::command_line(),
            after: before.len(),
        });
        "running".clone_into(&mut run.stop_reason);
        let folder = folder.to_owned();
        let recorder = Self { folder, run, samples, earlier: Some(earlier) };
        recorder.write_run().map_err(|failure| failure.to_string())?;
        Ok(Begun { recorder, before })
    }
}

/// Takes the file for this process, until it is closed.
pub(super) fn lock(samples: &File) -> Result<(), String> {
    match samples.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err("another bench is writing to it; wait for it, or name another directory".to_owned())
        }
        // Some file systems have no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(format!("it cannot be locked: {error}")),
    }
}

/// What is other there than what is asked for now, in a few words.
fn differences(earlier: &Run, asked: &Asked) -> Option<String> {
    let there = earlier.sweep.as_ref()?;
    let mut others = Vec::new();
    let mut other = |name: &str, there: &str, now: &str| {
        if there != now {
            others.push(format!("{name} {there} in place of {now}"));
        }
    };
    let axes = |grid: &Grid| format!("{:?}, {:?}, {:?}", grid.worker, grid.rng, grid.hasher);
    other("with the grid", &axes(&there.grid), &axes(&asked.grid));
    other("--full", &there.full.to_string(), &asked.full.to_string());
    other("--policy", &there.policies.join(","), &asked.policies.join(","));
    let names = there.settings.keys().chain(asked.settings.keys());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        let of = |settings: &BTreeMap<String, String>| {
            settings.get(name).map_or_else(|| "none".to_owned(), Clone::clone)
        };
        other(name, &of(&there.settings), &of(&asked.settings));
    }
    other("by bench", &earlier.bench_version, env!("CARGO_PKG_VERSION"));
    (!others.is_empty()).then(|| others.join(", "))
}

/// Why the app is not the one that a sweep began with, if it is not.
pub(super) fn another_app(
    earlier: &Run,
    description: &str,
    images: &BTreeMap<String, String>,
) -> Option<String> {
    // What follows may change: a process id, the number of nodes.
    let kind = |description: &str| description.split([',', ';']).next().map(str::to_owned);
    if !earlier.cluster.is_empty() && kind(&earlier.cluster) != kind(description) {
        let there = &earlier.cluster;
        return Some(format!(
            "it already holds a run of another app, {there} in place of {description}; name \
             another directory"
        ));
    }
    (!earlier.images.is_empty() && earlier.images != *images).then(|| {
        "it already holds a run of other images, see its run.json; name another directory"
            .to_owned()
    })
}

/// All steps that were written down whole; what a break left of another is cut off.
fn whole_steps(path: &Path) -> io::Result<Vec<Samples>> {
    let text = fs::read(path)?;
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    if end < text.len() {
        OpenOptions::new().write(true).open(path)?.set_len(end as u64)?;
    }
    let lines = text[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;

    fn asked() -> Asked {
        let grid = Grid { worker: vec![1, 2], rng: vec![1], hasher: Vec::new() };
        let settings = [("--simulate".to_owned(), "rng=100ms".to_owned())].into();
        Asked { grid, full: false, policies: Vec::new(), settings }
    }

    fn begun(folder: &Path) -> Recorder {
        let mut recorder = Recorder::begin_or_go_on(folder, &asked()).unwrap().recorder;
        recorder.step(&ideal(1, 1)).unwrap();
        recorder
    }

    fn refusal(folder: &Path, asked: &Asked) -> String {
        Recorder::begin_or_go_on(folder, asked).unwrap_err().to_string()
    }

    fn run(folder: &Path) -> Run {
        serde_json::from_slice(&fs::read(folder.join(RUN)).unwrap()).unwrap()
    }

    #[test]
    fn the_same_sweep_goes_on_and_each_command_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        drop(begun(folder.path()));
        let again = Recorder::begin_or_go_on(folder.path(), &asked()).unwrap();
        assert_eq!(again.before, [ideal(1, 1)]);
        let kept = run(folder.path());
        assert_eq!((kept.went_on.len(), kept.went_on[0].after), (1, 1));
        assert_eq!(kept.stop_reason, "running");
        again.recorder.discard();
        assert!(run(folder.path()).went_on.is_empty(), "nothing was measured");
        assert!(folder.path().join(SAMPLES).exists());
    }

    #[test]
    fn another_sweep_is_refused_with_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        drop(begun(folder.path()));
        let mut other = asked();
        other.settings.insert("--simulate".to_owned(), "rng=200ms".to_owned());
        let told = refusal(folder.path(), &other);
        assert!(told.contains("--simulate rng=100ms in place of rng=200ms"), "{told}");
        let told = refusal(folder.path(), &Asked { full: true, ..asked() });
        assert!(told.contains("--full false in place of true"), "{told}");
        let mut old = run(folder.path());
        "0.0.1".clone_into(&mut old.bench_version);
        fs::write(folder.path().join(RUN), serde_json::to_vec(&old).unwrap()).unwrap();
        let told = refusal(folder.path(), &asked());
        assert!(told.contains("by bench 0.0.1 in place of"), "{told}");
    }

    #[test]
    fn one_at_a_time_writes_to_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let first = begun(folder.path());
        let told = refusal(folder.path(), &asked());
        assert!(told.contains("another bench is writing to it"), "{told}");
        drop(first);
        assert!(Recorder::begin_or_go_on(folder.path(), &asked()).is_ok());
    }

    #[test]
    fn another_app_than_it_began_with_is_told() {
        let folder = tempfile::tempdir().unwrap();
        drop(begun(folder.path()));
        let images = |digest: &str| [("rng".to_owned(), format!("rng@{digest}"))].into();
        let mut earlier = run(folder.path());
        let swarm = |nodes| format!("swarm, stack a on {nodes} nodes");
        assert_eq!(another_app(&earlier, &swarm(3), &images("1")), None, "it was not known");
        (earlier.cluster, earlier.images) = (swarm(3), images("1"));
        assert_eq!(another_app(&earlier, &swarm(4), &images("1")), None);
        assert!(another_app(&earlier, &swarm(3), &images("2")).unwrap().contains("other images"));
        let local = "local, started by this command";
        let told = another_app(&earlier, local, &BTreeMap::new()).unwrap();
        assert!(told.contains("swarm, stack a on 3 nodes in place of local"), "{told}");
    }
}
