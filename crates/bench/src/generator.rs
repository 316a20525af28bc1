//! `bench load` and `bench compare`: the crate `load` with this process's output, terminal and
//! signals.

use std::io::{IsTerminal as _, Write, stderr, stdout};

use bench::failure::Exit;
use load::command::{self, Ending, Outs, Trouble};
use load::settings::{CompareSettings, Settings};

use crate::interrupts::Interrupts;

pub(crate) async fn load(settings: &Settings, interrupts: &Interrupts) -> Exit {
    // The view leaves standard output alone, so that results can be piped on.
    let terminal = stderr().is_terminal().then(|| Box::new(stderr()) as Box<dyn Write + Send>);
    let (mut results, mut notes) = (stdout(), stderr());
    let outs = Outs { results: &mut results, notes: &mut notes, terminal };
    told(command::load(settings, interrupts.nth(1), outs).await)
}

pub(crate) fn compare(settings: &CompareSettings) -> Exit {
    told(command::compare(settings, &mut stdout()))
}

/// Says why a command failed, and its exit code.
fn told(outcome: Result<Ending, Trouble>) -> Exit {
    let (words, exit) = match outcome {
        Ok(Ending::Done) => return Exit::Done,
        Ok(Ending::Missed) => return Exit::Inconclusive,
        Ok(Ending::Interrupted) => return Exit::Interrupted,
        Ok(Ending::Failed(why)) => (why, Exit::Failed),
        Err(trouble) => (trouble.to_string(), exit(&trouble)),
    };
    anstream::eprintln!("error: {words}");
    exit
}

fn exit(trouble: &Trouble) -> Exit {
    match trouble.exit() {
        1 => Exit::Failed,
        2 => Exit::Usage,
        130 => Exit::Interrupted,
        _ => Exit::Internal,
    }
}
