//! `bench load` and `bench compare`: the crate `load` with this process's output, terminal and
//! signals.

use std::io::{Write, stderr, stdout};

use bench::failure::{Ended, Exit};
use load::command::{self, Ending, Outs, Trouble};
use load::settings::{CompareSettings, Settings};

use crate::interrupts::Interrupts;
use crate::terminal::is_drawable;

pub(crate) async fn load(settings: &Settings, interrupts: &Interrupts) -> Result<Exit, Ended> {
    // The view leaves standard output alone, so that results can be piped on.
    let terminal = is_drawable(&stderr()).then(|| Box::new(stderr()) as Box<dyn Write + Send>);
    let (mut results, mut notes) = (stdout(), stderr());
    let outs = Outs { results: &mut results, notes: &mut notes, terminal };
    told(command::load(settings, interrupts.nth(1), outs).await)
}

pub(crate) fn compare(settings: &CompareSettings) -> Result<Exit, Ended> {
    told(command::compare(settings, &mut stdout()))
}

/// The exit code, with why where a command failed.
fn told(outcome: Result<Ending, Trouble>) -> Result<Exit, Ended> {
    let (words, exit) = match outcome {
        Ok(Ending::Done) => return Ok(Exit::Done),
        Ok(Ending::Missed) => return Ok(Exit::Failed),
        Ok(Ending::Undecided) => return Ok(Exit::Inconclusive),
        Ok(Ending::Interrupted) => return Ok(Exit::Interrupted),
        Ok(Ending::Failed(why)) => (why, Exit::Failed as u8),
        Err(trouble) => (trouble.to_string(), trouble.exit()),
    };
    Err(Ended { words, exit })
}
