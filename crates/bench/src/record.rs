//! The run directory: what was asked, every sample, and the findings, so that a run can be read
//! again. Writing and reading only.

mod going_on;
mod overwriting;
mod reading;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::analyse::{Findings, Prediction, Sweeps};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::measure::Samples;

pub use going_on::{Asked, Begun, WentOn};
pub use reading::{DatedPrediction, Recorded, RecordedRun, Scored, read, read_samples};

const RUN: &str = "run.json";
const SAMPLES: &str = "samples.ndjson";
const FINDINGS: &str = "findings.json";
const PREDICTION: &str = "prediction.json";
const SWEEP: &str = "sweep.json";

/// What a run was: enough to do it again and to doubt it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Version of this file.
    pub schema_version: u32,
    /// The command line, without the user names and passwords of URLs.
    pub command: Vec<String>,
    /// bench's version.
    pub bench_version: String,
    /// Which cluster, and why that one.
    pub cluster: String,
    /// The grid, of a sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Asked>,
    /// The images of the app's services, with their digests where a swarm's services name them; none
    /// where nothing runs in containers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
    /// What chance began with in a simulated app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// When it began, RFC 3339.
    pub began: String,
    /// Each time that it went on later, of a sweep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub went_on: Vec<WentOn>,
    /// The machine that measured.
    pub host: Host,
    /// How it ended: `running`, `done`, or the error's text.
    pub stop_reason: String,
}

/// A machine, as far as it bears on speed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Operating system and its version.
    pub system: String,
    /// Processors this process may use.
    pub processors: usize,
}

/// A run directory that is being written.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    run: Run,
    /// Locked for as long as it is written to.
    samples: File,
    /// What the run was before it went on.
    earlier: Option<Run>,
}

impl Recorder {
    /// Begins a run in `folder`, which is made if it is not there and must not hold one already.
    ///
    /// # Errors
    /// When the directory cannot be used; nothing has been measured yet.
    pub fn begin(folder: &Path) -> Result<Self, Failure> {
        let refused = |reason: String| Failure::Out { path: folder.to_owned(), reason };
        // A full disk is no wrong argument.
        let unusable = |error: io::Error| match is_full(&error) {
            true => write_failure(folder.to_owned(), error),
            false => refused(error.to_string()),
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        if folder.join(RUN).exists()
            || folder.join(SAMPLES).symlink_metadata().is_ok_and(|m| m.len() > 0 && m.is_file())
        {
            return Err(refused("it already holds a run; name another directory".to_owned()));
        }
        let samples = OpenOptions::new()
            .append(true)
            .create(true)
            .open(folder.join(SAMPLES))
            .map_err(unusable)?;
        going_on::lock(&samples).map_err(refused)?;
        let run = Run {
            schema_version: crate::analyse::SCHEMA_VERSION,
            command: command_line(),
            bench_version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: String::new(),
            sweep: None,
            images: BTreeMap::new(),
            seed: None,
            went_on: Vec::new(),
            began: jiff::Timestamp::now().to_string(),
            host: host(),
            stop_reason: "running".to_owned(),
        };
        let recorder = Self { folder: folder.to_owned(), run, samples, earlier: None };
        match recorder.write_run() {
            Ok(()) => Ok(recorder),
            // Nothing is left of a run that does not take place.
            Err(failure) => {
                recorder.discard();
                Err(match failure {
                    Failure::Write { source, .. } => unusable(source),
                    other => other,
                })
            }
        }
    }

    /// Notes which app is measured, as soon as that is known.
    ///
    /// # Errors
    /// When a sweep would go on with another app than it began with, or the disk is full or gone.
    pub fn app(&mut self, description: &str, cluster: &Cluster) -> Result<(), Failure> {
        let (images, seed) = (cluster.images(), cluster.seed());
        if let Some(earlier) = &self.earlier {
            let reason = going_on::another_app(earlier, description, &images);
            let refused = |reason| Failure::Out { path: self.folder.clone(), reason };
            reason.map_or(Ok(()), |reason| Err(refused(reason)))?;
        }
        description.clone_into(&mut self.run.cluster);
        (self.run.images, self.run.seed) = (images, seed);
        self.write_run()
    }

    /// Adds the samples of a step.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn step(&mut self, samples: &Samples) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(samples).unwrap_or_default();
        line.push(b'\n');
        let written = self.samples.write_all(&line).and_then(|()| self.samples.sync_data());
        written.map_err(|source| write_failure(self.folder.join(SAMPLES), source))
    }

    /// Keeps what is predicted, before it is tried.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn prediction(&self, prediction: &Prediction) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Dated<'a> {
            schema_version: u32,
            /// When, RFC 3339.
            made: String,
            #[serde(flatten)]
            prediction: &'a Prediction,
        }
        let made = jiff::Timestamp::now().to_string();
        let schema_version = crate::analyse::SCHEMA_VERSION;
        let dated = Dated { schema_version, made, prediction };
        write_json(self.folder.join(PREDICTION), &dated)
    }

    /// Ends the run with its findings.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn end(mut self, findings: &Findings, stop_reason: &str) -> Result<(), Failure> {
        self.run.stop_reason = redacted::text(stop_reason).into_owned();
        self.run.cluster.clone_from(&findings.cluster);
        self.write_run()?;
        write_json(self.folder.join(FINDINGS), findings)
    }

    /// Ends a sweep, or a part of it, with what is known of the grid.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn end_sweep(mut self, findings: &Sweeps, stop_reason: &str) -> Result<(), Failure> {
        self.run.stop_reason = redacted::text(stop_reason).into_owned();
        self.run.cluster.clone_from(&findings.cluster);
        self.write_run()?;
        write_json(self.folder.join(SWEEP), findings)
    }

    /// Leaves nothing behind of a run in which nothing was measured; one that went on is as before.
    pub fn discard(mut self) {
        if let Some(earlier) = self.earlier.take() {
            self.run = earlier;
            let _ = self.write_run();
            return;
        }
        for name in [RUN, SAMPLES] {
            let _ = fs::remove_file(self.folder.join(name));
        }
        // Only if it is empty, which it is when it was made for this run.
        let _ = fs::remove_dir(&self.folder);
    }

    fn write_run(&self) -> Result<(), Failure> {
        write_json(self.folder.join(RUN), &self.run)
    }
}

/// Writes a report to `path`, in the place of an older one. A file of the run in `from` is not replaced,
/// whatever name it goes by.
///
/// # Errors
/// When it is a file of the run, the disk is full, gone, or not for this user to write to.
pub fn write_report(path: &Path, from: Option<&Path>, text: &str) -> Result<(), Failure> {
    let aside = aside(path);
    for written in [path, &*aside] {
        if let Some(input) = from.and_then(|folder| overwriting::input(folder, written)) {
            return Err(Failure::Overwrites { path: path.to_owned(), input });
        }
    }
    let failed = |reason| Failure::Unwritten { path: path.to_owned(), reason };
    // A pipe or a terminal is written to as it is; nothing could be moved into its place.
    match path.metadata().is_ok_and(|there| !there.is_file()) {
        true => fs::write(path, text).map_err(failed),
        false => write_aside(path, |file| file.write_all(text.as_bytes())).map_err(failed),
    }
}

fn write_json(path: PathBuf, value: &impl Serialize) -> Result<(), Failure> {
    let written = write_aside(&path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    });
    written.map_err(|source| write_failure(path, source))
}

/// Written aside and moved into place, so that there is never half a file.
fn write_aside(path: &Path, content: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    let aside = aside(path);
    let write = || -> io::Result<()> {
        // What a write that was cut short left there, or a link that leads elsewhere.
        let _ = fs::remove_file(&aside);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&aside)?;
        content(&mut file)?;
        file.sync_data()?;
        fs::rename(&aside, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&aside);
    })
}

/// What was typed, without the user names and passwords of URLs.
fn command_line() -> Vec<String> {
    let words = std::env::args_os();
    words.map(|word| redacted::argument(&word.to_string_lossy())).collect()
}

/// Where a file is written before it is moved into its place.
fn aside(path: &Path) -> PathBuf {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".new");
    aside.into()
}

/// Whether there is no room left, or no device to write to.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull, WriteZero};
    matches!(error.kind(), StorageFull | QuotaExceeded | WriteZero)
}

fn write_failure(path: PathBuf, source: io::Error) -> Failure {
    Failure::Write { path, source }
}

fn host() -> Host {
    let system = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    Host {
        name: text(system.nodename()),
        system: format!("{} {}", text(system.sysname()), text(system.release())),
        processors: std::thread::available_parallelism().map_or(1, Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::{self, tests::ideal};

    #[test]
    fn samples_are_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/run");
        let samples = [ideal(2, 1), ideal(10, 5)];
        let mut recorder = Recorder::begin(&folder).unwrap();
        for step in &samples {
            recorder.step(step).unwrap();
        }
        let steps = samples.iter().map(analyse::step).collect();
        let findings = Findings { cluster: "local".into(), steps, ..Findings::none() };
        recorder.end(&findings, "cannot reach redis://ada:geheim@h").unwrap();
        let back = read_samples(&folder).unwrap();
        assert_eq!(back, samples);
        let run: Run = serde_json::from_slice(&fs::read(folder.join(RUN)).unwrap()).unwrap();
        assert_eq!(
            (run.cluster.as_str(), run.stop_reason.as_str()),
            ("local", "cannot reach redis://***@h")
        );
        assert!(Recorder::begin(&folder).unwrap_err().to_string().contains("already holds a run"));
    }
}
