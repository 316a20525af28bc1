//! `bench ping` from its arguments to its exit code. What is written to comes from outside, and so
//! do the stop and wishes to see how things stand.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;

use load::command::check_writable;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::{mpsc, watch};

use crate::plan::{Format, Plan, Refusal};
use crate::report::graph::{Graph, Keys, Pressed, Taken};
use crate::report::{Ending, Glance, report};
use crate::run::{Outside, RunError, exit_code, run};
use crate::settings::Settings;

/// Keys that may wait to be heeded.
const WISHES: usize = 16;

/// What a command writes to.
pub struct Outs<'a> {
    /// Results.
    pub results: &'a mut (dyn Write + Send),
    /// What is said beside them.
    pub notes: &'a mut (dyn Write + Send),
    /// The terminal that results are shown in, where there is one.
    pub terminal: Option<fn() -> Box<dyn Write + Send>>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The arguments cannot be followed.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// There is no result.
    #[error("{0}")]
    Run(#[from] RunError),
    /// The terminal cannot be drawn on.
    #[error("-K cannot draw on this terminal: {0}")]
    Terminal(io::Error),
    /// The histogram cannot be written.
    #[error("cannot write --histogram {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Trouble {
    /// The exit code that tells, or that of httping.
    #[must_use]
    pub fn exit(&self, like_httping: bool) -> u8 {
        match self {
            _ if like_httping => 1,
            Self::Refused(_) | Self::Run(RunError::Trust(_)) => 2,
            Self::Run(RunError::Write(_)) | Self::Terminal(_) | Self::Write { .. } => 5,
        }
    }
}

/// Runs `bench ping` until its end or until `stop`; gives its exit code.
///
/// # Errors
/// When there is no result, or its histogram could not be written.
pub async fn ping(
    settings: Settings,
    stop: impl Future<Output = ()> + Send,
    glances: mpsc::Receiver<Glance>,
    mut outs: Outs<'_>,
) -> Result<u8, Trouble> {
    let plan = Plan::new(settings)?;
    // A file that cannot be written is better known before than after.
    if let Some(path) = &plan.histogram {
        check_writable(path).map_err(|source| Trouble::Write { path: path.clone(), source })?;
    }
    let ending = match (&plan.format, outs.terminal) {
        (Format::Graph { .. }, Some(terminal)) => {
            drawn(&plan, stop, glances, terminal, &mut outs).await?
        }
        (format, _) => {
            if matches!(format, Format::Graph { .. }) {
                said(outs.notes, "-K needs a terminal to draw on: lines are printed instead");
            }
            let mut results = BufWriter::new(outs.results);
            let mut report = report(&plan, &mut results, outs.notes);
            let outside = Outside { stop: pin!(stop), glances };
            run(&plan, &mut *report, outside).await?
        }
    };
    if let Some(failure) = &ending.given_up {
        said(outs.notes, &format!("error: {failure} (-W goes on trying)"));
    }
    keep_histogram(&plan, &ending)?;
    Ok(exit_code(&plan, &ending))
}

/// The same with a graph, whose keys ask for things as well.
async fn drawn(
    plan: &Plan,
    stop: impl Future<Output = ()> + Send,
    glances: mpsc::Receiver<Glance>,
    terminal: fn() -> Box<dyn Write + Send>,
    outs: &mut Outs<'_>,
) -> Result<Ending, Trouble> {
    // A signal shows what is there all the time.
    drop(glances);
    let (wishes, glances) = mpsc::channel(WISHES);
    let (quitting, mut quit) = watch::channel(false);
    let taken = Taken::new(terminal()).map_err(Trouble::Terminal)?;
    let _keys = Keys::listen(move |pressed| match pressed {
        Pressed::Quit => drop(quitting.send_replace(true)),
        // Where several wait already, one more would change nothing that is seen.
        Pressed::Look(glance) => drop(wishes.try_send(glance)),
    });
    let screen = Terminal::new(CrosstermBackend::new(terminal())).map_err(Trouble::Terminal)?;
    let mut graph = Graph::new(plan, screen, Some(taken), outs.results, outs.notes);
    let stop = async {
        tokio::select! {
            () = stop => {}
            Ok(_) = quit.wait_for(|quit| *quit) => {}
        }
    };
    Ok(run(plan, &mut graph, Outside { stop: pin!(stop), glances }).await?)
}

/// Says something beside the results.
fn said(notes: &mut (dyn Write + Send), words: &str) {
    // Whoever does not read it does not miss it.
    let _ = writeln!(notes, "{words}");
}

fn keep_histogram(plan: &Plan, ending: &Ending) -> Result<(), Trouble> {
    let Some(path) = &plan.histogram else { return Ok(()) };
    let all = ending.statistics.total.distribution();
    let is_encoded = path.extension().is_some_and(|extension| extension == "hdr");
    write(path, &if is_encoded { all.blob() + "\n" } else { all.hgrm() })
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    std::fs::write(path, text).map_err(|source| Trouble::Write { path: path.to_owned(), source })
}
