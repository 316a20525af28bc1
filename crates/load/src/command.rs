//! `bench load` and `bench compare` from their arguments to their results and exit codes. What is
//! written to comes from outside, and so does the stop.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::compare;
use crate::formats;
use crate::plan::{Plan, Refusal};
use crate::run::{self, Measured, RunError};
use crate::search::{self, End, Goal, SearchError, TooFew};
use crate::settings::{CompareOutput, CompareSettings, Output, OutputArgs, Settings};
use crate::slo::{Judged, Verdict};
use crate::summary::Summary;
use crate::view::{Quit, View};
use crate::words;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done, and all was good.
    Done,
    /// Too much failed; in a sentence.
    Failed(String),
    /// A threshold was missed, or the second side of a comparison is shown to be slower.
    Missed,
    /// What was asked for cannot be decided.
    Undecided,
    /// Stopped before its end.
    Interrupted,
}

/// Why a command gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The arguments cannot be followed.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The run did not take place.
    #[error("{0}")]
    Run(#[from] RunError),
    /// A search whose steps would be too short for its percentiles.
    #[error("{0}")]
    TooFew(TooFew),
    /// A file that is no result.
    #[error("{0}")]
    Compare(#[from] compare::Unreadable),
    /// A file that cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that would be written twice, or that the run reads.
    #[error("{} is named twice: each result goes to a file of its own, and none replaces --body-file", .0.display())]
    Overwrites(PathBuf),
    /// Results could not be printed.
    #[error("cannot print the results: {0}")]
    Print(io::Error),
}

/// What a command writes to.
pub struct Outs<'a> {
    /// Results.
    pub results: &'a mut dyn Write,
    /// What is said on the way.
    pub notes: &'a mut dyn Write,
    /// A terminal for the live view, where there is one.
    pub terminal: Option<Box<dyn Write + Send>>,
}

impl Ending {
    /// The exit code that tells.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed(_) | Self::Missed => 1,
            Self::Undecided => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<SearchError> for Trouble {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Run(error) => Self::Run(error),
            SearchError::TooFew(few) => Self::TooFew(few),
        }
    }
}

impl Trouble {
    /// The exit code that tells.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Run(RunError::NothingConnected(_)) => 1,
            Self::Refused(_)
            | Self::TooFew(_)
            | Self::Compare(_)
            | Self::Overwrites(_)
            | Self::Run(RunError::Trust(_)) => 2,
            Self::Run(RunError::Stopped) => 130,
            Self::Run(RunError::System(_)) | Self::Write { .. } | Self::Print(_) => 5,
        }
    }
}

/// Runs `bench load` until its end or until `stop`.
///
/// # Errors
/// When there is no result, or it could not be written.
pub async fn load(
    settings: &Settings,
    stop: impl Future<Output = ()>,
    mut outs: Outs<'_>,
) -> Result<Ending, Trouble> {
    let plan = Plan::new(settings)?;
    check_files(settings)?;
    if settings.arrival.find_max {
        return Box::pin(find_max(settings, &plan, stop, outs)).await;
    }
    let terminal = outs.terminal.take().filter(|_| !settings.output.no_view);
    let mut view = View::open(terminal, &plan);
    let quit = view.quit();
    let mut enough = false;
    let measured = {
        let stop = stop_or_quit(stop, quit, &mut enough);
        Box::pin(run::run(&plan, stop, &mut |live| view.show(live))).await
    };
    view.close();
    let measured = measured?;
    let summary = Summary::new(&plan, &measured);
    let verdicts = judge(settings, &summary, &measured);
    let text = rendered(settings, &summary, &measured, &verdicts);
    // Where one of them cannot be written, the others are all the same.
    let printed = print(outs.results, &text);
    let kept = keep(&settings.output, &summary, &measured, &verdicts);
    printed.and(kept)?;
    Ok(match measured.stopped && !enough {
        true => Ending::Interrupted,
        false => ending(settings, &summary, &verdicts),
    })
}

/// Ends with either; `enough` says whether somebody at the view had seen enough.
async fn stop_or_quit(
    stop: impl Future<Output = ()>,
    quit: impl Future<Output = Quit>,
    enough: &mut bool,
) {
    tokio::select! {
        () = stop => {}
        how = quit => *enough = how == Quit::Enough,
    }
}

fn judge(settings: &Settings, summary: &Summary, measured: &Measured) -> Vec<Verdict> {
    let judged = Judged {
        latency: &measured.recording.latency,
        errors: summary.errors,
        rate: summary.good_per_second,
        doubtful: summary.generator_was_the_limit(),
    };
    settings.output.slo.as_ref().map_or_else(Vec::new, |slo| slo.judge(&judged))
}

fn rendered(
    settings: &Settings,
    summary: &Summary,
    measured: &Measured,
    verdicts: &[Verdict],
) -> String {
    match settings.output.format() {
        Output::Text => formats::text(summary, verdicts, settings.output.latency),
        Output::Json => formats::json(summary, verdicts),
        Output::Csv => formats::csv(&measured.rows),
        Output::Ndjson => formats::ndjson(&measured.rows),
    }
}

/// What a finished run comes to.
fn ending(settings: &Settings, summary: &Summary, verdicts: &[Verdict]) -> Ending {
    if summary.good == 0 {
        return Ending::Failed(match summary.requests {
            0 => "no request was answered".to_owned(),
            _ => "no answer was good".to_owned(),
        });
    }
    if verdicts.iter().any(|verdict| verdict.met == Some(false)) {
        return Ending::Missed;
    }
    let most = settings.output.most_errors();
    if summary.errors > most {
        return Ending::Failed(format!(
            "{} of all requests failed, {} may (--max-errors)",
            words::percent(summary.errors),
            words::percent(most)
        ));
    }
    match verdicts.iter().any(|verdict| verdict.met.is_none()) {
        true => Ending::Undecided,
        false => Ending::Done,
    }
}

async fn find_max(
    settings: &Settings,
    plan: &Plan,
    stop: impl Future<Output = ()>,
    mut outs: Outs<'_>,
) -> Result<Ending, Trouble> {
    let Some(slo) = &settings.output.slo else { return Ok(Ending::Undecided) };
    let goal = Goal { slo, most_errors: settings.output.most_errors() };
    let terminal = outs.terminal.take().filter(|_| !settings.output.no_view);
    let mut view = View::open(terminal, plan);
    let quit = view.quit();
    let mut enough = false;
    let notes = outs.notes;
    let silent = view.is_open();
    let mut stepped = |step: &search::Step| {
        let rate = words::rate(step.target_per_second);
        if !silent {
            // Nobody may be listening.
            let _ = writeln!(notes, "{rate}/s: {}", step.verdict);
        }
    };
    let found = {
        let stop = stop_or_quit(stop, quit, &mut enough);
        search::search(plan, goal, stop, &mut |live| view.show(live), &mut stepped).await
    };
    view.close();
    let found = found?;
    let text = match settings.output.format() {
        Output::Text => formats::search(&found),
        _ => formats::pretty(&found),
    };
    let printed = print(outs.results, &text);
    let kept = settings
        .output
        .save
        .as_ref()
        .map_or(Ok(()), |path| write(path, formats::pretty(&found).as_bytes()));
    printed.and(kept)?;
    Ok(match (&found.ended, found.met_per_second) {
        (End::Interrupted, _) if !enough => Ending::Interrupted,
        (End::Gone { .. }, _) => Ending::Failed(found.conclusion),
        (_, Some(_)) => Ending::Done,
        // Where the generator was the limit, or a step had too few requests, nothing was missed.
        (_, None) if found.is_undecided() => Ending::Undecided,
        (_, None) => Ending::Missed,
    })
}

/// Runs `bench compare`.
///
/// # Errors
/// When a file is no result, or the comparison could not be printed.
pub fn compare(settings: &CompareSettings, results: &mut dyn Write) -> Result<Ending, Trouble> {
    let read = |paths: &[PathBuf]| paths.iter().map(|path| compare::read(path)).collect();
    let (before, after): (Result<Vec<_>, _>, Result<Vec<_>, _>) =
        (read(&settings.before), read(&settings.after));
    let asked = settings.fail_if_slower.map(|limit| compare::Asked {
        limit,
        metrics: settings.judge.clone(),
        undecided: settings.if_undecided(),
    });
    let comparison = compare::compare(&before?, &after?, asked.as_ref());
    let text = match settings.output {
        CompareOutput::Text => compare::text(&comparison),
        CompareOutput::Json => formats::pretty(&comparison),
    };
    print(results, &text)?;
    let exit = comparison.gate.as_ref().map_or(0, |gate| gate.found.exit());
    Ok(match exit {
        0 => Ending::Done,
        1 => Ending::Missed,
        _ => Ending::Undecided,
    })
}

/// Checks before the run that its results can be written, each to a file of its own that is not one the
/// run reads.
fn check_files(settings: &Settings) -> Result<(), Trouble> {
    let OutputArgs { save, hgrm, hlog, ndjson, csv, .. } = &settings.output;
    let mut taken: Vec<(u64, u64)> =
        settings.request.body_file.iter().filter_map(|path| identity(path)).collect();
    let mut names: Vec<&PathBuf> = Vec::new();
    for path in [save, hgrm, hlog, ndjson, csv].into_iter().flatten() {
        check_writable(path).map_err(|source| Trouble::Write { path: path.clone(), source })?;
        let there = identity(path);
        if there.is_some_and(|there| taken.contains(&there)) || names.contains(&path) {
            return Err(Trouble::Overwrites(path.clone()));
        }
        taken.extend(there);
        names.push(path);
    }
    Ok(())
}

/// Which file a path leads to; `None` where there is none, or a device, which takes everything.
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let there = path.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((there.dev(), there.ino()))
}

/// Sees that a file can be written, and changes nothing of what is in it.
///
/// # Errors
/// When it cannot.
pub fn check_writable(path: &Path) -> io::Result<()> {
    let is_new = path.symlink_metadata().is_err();
    fs::OpenOptions::new().append(true).create(true).open(path)?;
    // Nothing is left of a run that does not take place.
    if is_new { fs::remove_file(path) } else { Ok(()) }
}

/// Writes all files that were asked for.
fn keep(
    output: &OutputArgs,
    summary: &Summary,
    measured: &Measured,
    verdicts: &[Verdict],
) -> Result<(), Trouble> {
    let OutputArgs { save, hgrm, hlog, ndjson, csv, .. } = output;
    let rows = &measured.rows;
    let latency = &measured.recording.latency;
    // Each is tried; the first that failed is reported.
    let written = [
        keep_one(save.as_deref(), || formats::json(summary, verdicts).into_bytes()),
        keep_one(hgrm.as_deref(), || latency.hgrm().into_bytes()),
        keep_one(hlog.as_deref(), || formats::hlog(measured)),
        keep_one(ndjson.as_deref(), || formats::ndjson(rows).into_bytes()),
        keep_one(csv.as_deref(), || formats::csv(rows).into_bytes()),
    ];
    written.into_iter().collect()
}

/// Writes one of them, if it was asked for.
fn keep_one(path: Option<&Path>, bytes: impl FnOnce() -> Vec<u8>) -> Result<(), Trouble> {
    path.map_or(Ok(()), |path| write(path, &bytes()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    fs::write(path, bytes).map_err(|source| Trouble::Write { path: path.to_owned(), source })
}

fn print(results: &mut dyn Write, text: &str) -> Result<(), Trouble> {
    match results.write_all(text.as_bytes()).and_then(|()| results.flush()) {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Trouble::Print),
    }
}
