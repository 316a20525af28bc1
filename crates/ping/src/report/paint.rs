//! Colours of -Y, those of httping's that show on a light terminal as well as on a dark one.

use std::fmt;
use std::time::Duration;

use crate::plan::Look;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Host,
    Port,
    Seq,
    Status,
    Good,
    Slow,
    Bad,
    Plain,
}

/// A word and its colour.
pub(super) struct Painted<T> {
    word: T,
    ink: Ink,
}

/// A word in a colour, where there are colours.
pub(super) fn paint<T>(look: &Look, ink: Ink, word: T) -> Painted<T> {
    Painted { word, ink: if look.colours { ink } else { Ink::Plain } }
}

/// The colour of a time.
pub(super) fn of_time(look: &Look, length: Duration) -> Ink {
    let reached = |threshold: Option<Duration>| threshold.is_some_and(|from| length >= from);
    match (reached(look.red), reached(look.yellow)) {
        (true, _) => Ink::Bad,
        (false, true) => Ink::Slow,
        (false, false) => Ink::Good,
    }
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colour = match self.ink {
            Ink::Plain => return self.word.fmt(formatter),
            Ink::Host | Ink::Good => "32",
            Ink::Port | Ink::Slow => "33",
            Ink::Seq => "34",
            Ink::Status => "36",
            Ink::Bad => "1;31",
        };
        write!(formatter, "\x1b[{colour}m")?;
        self.word.fmt(formatter)?;
        formatter.write_str("\x1b[0m")
    }
}
