//! A run directory read back: what was asked, every sample, what was predicted and found. It
//! judges nothing; a run that is not whole is refused in a sentence.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{FINDINGS, PREDICTION, RUN, Run, SAMPLES, SWEEP};
use crate::analyse::{Prediction, Sweeps, Verification};
use crate::failure::Failure;
use crate::measure::Samples;

/// What `stop_reason` is until a run has ended.
const RUNNING: &str = "running";

/// A run as its directory has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// What was asked, of what, where.
    pub run: RecordedRun,
    /// The samples of each step, in order; there is at least one.
    pub steps: Vec<Samples>,
    /// What was said of the prediction then.
    pub scored: Scored,
    /// What was predicted, where something was.
    pub prediction: Option<DatedPrediction>,
    /// What was known of the grid at the end, of a sweep.
    pub sweep: Option<Sweeps>,
}

/// `run.json`, with what other versions of bench wrote into it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RecordedRun {
    /// What this version knows.
    #[serde(flatten)]
    pub run: Run,
    /// All else, by its name.
    #[serde(flatten)]
    pub more: BTreeMap<String, serde_json::Value>,
}

/// What is taken from `findings.json`: all else of it is found again from the samples, and may be
/// anything in other versions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Scored {
    /// Whether the prediction held.
    pub verification: Option<Verification>,
    /// Why that is not said.
    pub unverified: Option<String>,
    /// Why a delay was not put in: of that there are no samples.
    pub uninjected: Option<String>,
}

/// `prediction.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct DatedPrediction {
    /// When it was made, RFC 3339.
    pub made: String,
    /// The prediction.
    #[serde(flatten)]
    pub prediction: Prediction,
}

/// The run in `folder`.
///
/// # Errors
/// When there is none, it has not ended, or a file of it is not what bench writes.
pub fn read(folder: &Path) -> Result<Recorded, Failure> {
    let refused = |reason: String| Failure::NotARun { path: folder.to_owned(), reason };
    if !folder.is_dir() {
        return Err(refused("there is no such directory".to_owned()));
    }
    let run: RecordedRun = optional(folder, RUN)
        .map_err(refused)?
        .ok_or_else(|| refused(format!("it holds no run: there is no {RUN}")))?;
    if run.run.stop_reason == RUNNING {
        let reason = "the run has not ended: it is still being measured, or bench was killed";
        return Err(refused(reason.to_owned()));
    }
    let steps =
        read_samples(folder).map_err(|error| refused(format!("cannot read {SAMPLES}: {error}")))?;
    if steps.is_empty() {
        return Err(refused("it holds no measured step".to_owned()));
    }
    Ok(Recorded {
        run,
        steps,
        scored: optional(folder, FINDINGS).map_err(refused)?.unwrap_or_default(),
        prediction: optional(folder, PREDICTION).map_err(refused)?,
        sweep: optional(folder, SWEEP).map_err(refused)?,
    })
}

/// The samples of a recorded run, a step each.
///
/// # Errors
/// When the file is not there or a line is not what [`super::Recorder::step`] wrote.
pub fn read_samples(folder: &Path) -> io::Result<Vec<Samples>> {
    let lines = BufReader::new(File::open(folder.join(SAMPLES))?).lines();
    let sample = |(number, line): (usize, io::Result<String>)| {
        let broken = |error: serde_json::Error| {
            let reason = format!("line {number} is not the samples of a step: {error}");
            io::Error::new(io::ErrorKind::InvalidData, reason)
        };
        serde_json::from_str(&line?).map_err(broken)
    };
    (1..).zip(lines).map(sample).collect()
}

/// A JSON file, if it is there.
fn optional<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, String> {
    match fs::read(folder.join(name)) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(format!("{name} is not what bench writes: {error}")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::{self, Findings, predict, tests::ideal};
    use crate::record::Recorder;

    /// A run of one step that has not ended.
    fn begun(folder: &Path) -> Recorder {
        let mut recorder = Recorder::begin(folder).unwrap();
        recorder.step(&ideal(10, 1)).unwrap();
        recorder
    }

    fn reason(folder: &Path) -> String {
        read(folder).unwrap_err().to_string()
    }

    #[test]
    fn a_run_is_read_back_with_its_prediction() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = begun(folder.path());
        let step = analyse::step(&ideal(10, 1));
        let prediction = predict(&step, &ideal(10, 1)).unwrap();
        recorder.prediction(&prediction).unwrap();
        let verification = Some(prediction.clone().score(&step));
        let findings = Findings { verification: verification.clone(), ..Findings::none() };
        recorder.end(&findings, "done").unwrap();
        let back = read(folder.path()).unwrap();
        assert_eq!(back.steps, [ideal(10, 1)]);
        assert_eq!(back.scored, Scored { verification, ..Scored::default() });
        assert_eq!(back.prediction.unwrap().prediction, prediction);
        assert_eq!(back.run.run.stop_reason, "done");
        assert!(back.run.more.is_empty(), "{:?}", back.run.more);
    }

    #[test]
    fn what_other_versions_wrote_into_run_json_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        begun(folder.path()).end(&Findings::none(), "done").unwrap();
        let path = folder.path().join(RUN);
        let mut run: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        run["moon"] = 7.into();
        fs::write(&path, run.to_string()).unwrap();
        let more = read(folder.path()).unwrap().run.more;
        assert_eq!(more.get("moon"), Some(&7.into()), "{more:?}");
    }

    #[test]
    fn what_is_no_whole_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(reason(&folder.path().join("nowhere")).contains("no such directory"));
        assert!(reason(folder.path()).contains("there is no run.json"));
        let recorder = begun(folder.path());
        assert!(reason(folder.path()).contains("has not ended"));
        recorder.end(&Findings::none(), "done").unwrap();
        let samples = fs::read_to_string(folder.path().join(SAMPLES)).unwrap();
        fs::write(folder.path().join(SAMPLES), format!("{samples}{{\"replicas\": 1")).unwrap();
        assert!(reason(folder.path()).contains("line 2 is not the samples"));
        fs::write(folder.path().join(SAMPLES), "").unwrap();
        assert!(reason(folder.path()).contains("no measured step"));
        fs::write(folder.path().join(RUN), "{}").unwrap();
        assert!(reason(folder.path()).contains("run.json is not what bench writes"));
    }
}
