//! Finds the command a request names and checks its arity; must not run it.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;

use super::{
    Context, Outcome, client, connection, counters, expiry, hashes, info, inspection, keys,
    monitor, persistence, scan, server, set, strings, transactions,
};
use crate::error::{CommandError, clipped};

/// A command's function: gets the whole request, of which the arity was checked.
pub(super) type Run = fn(&mut Context<'_>, &[Bytes]) -> Outcome;

/// One row of a table.
#[derive(Debug)]
pub(crate) struct Command {
    /// In lower case; a subcommand's is `container|name`.
    pub(crate) name: &'static str,
    /// As Redis counts: the name included; negative for "at least".
    arity: i16,
    pub(super) run: Run,
    subcommands: &'static [Command],
    /// Done at once in a transaction instead of being queued.
    pub(super) immediate: bool,
    /// Shown to clients in `MONITOR`.
    pub(super) monitored: bool,
    /// Allowed before the client has given the password.
    pub(super) before_password: bool,
}

impl Command {
    pub(super) const fn new(name: &'static str, arity: i16, run: Run) -> Self {
        let (immediate, monitored, before_password) = (false, true, false);
        Self { name, arity, run, subcommands: &[], immediate, monitored, before_password }
    }

    pub(super) const fn immediate(self) -> Self {
        Self { immediate: true, ..self }
    }

    pub(super) const fn before_password(self) -> Self {
        Self { before_password: true, ..self }
    }

    pub(super) const fn unmonitored(self) -> Self {
        Self { monitored: false, ..self }
    }

    pub(super) const fn with_subcommands(self, subcommands: &'static [Self]) -> Self {
        Self { subcommands, ..self }
    }

    fn accepts(&self, words: usize) -> bool {
        let least = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 { words >= least } else { words == least }
    }
}

static FAMILIES: &[&[Command]] = &[
    client::COMMANDS,
    connection::COMMANDS,
    counters::COMMANDS,
    expiry::COMMANDS,
    hashes::COMMANDS,
    info::COMMANDS,
    inspection::COMMANDS,
    keys::COMMANDS,
    monitor::COMMANDS,
    persistence::COMMANDS,
    scan::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    strings::COMMANDS,
    transactions::COMMANDS,
];

static BY_NAME: LazyLock<HashMap<&'static str, &'static Command>> = LazyLock::new(|| {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|it| (it.name, it)).collect()
});

/// How many commands there are, subcommands not counted.
pub(super) fn count() -> usize {
    BY_NAME.len()
}

/// The command or subcommand a request names, its arity being right.
pub(super) fn find(request: &[Bytes]) -> Result<&'static Command, CommandError> {
    let command = request
        .first()
        .and_then(|name| lower_case(name))
        .and_then(|name| BY_NAME.get(name.as_str()).copied())
        .ok_or_else(|| CommandError::unknown_command(request))?;
    let command = match request.get(1) {
        Some(word) if !command.subcommands.is_empty() => find_subcommand(command, word)?,
        _ => command,
    };
    if command.accepts(request.len()) {
        Ok(command)
    } else {
        Err(CommandError::WrongArity(command.name))
    }
}

fn find_subcommand(
    command: &'static Command,
    word: &[u8],
) -> Result<&'static Command, CommandError> {
    let named = |it: &&Command| {
        it.name.rsplit_once('|').is_some_and(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    command.subcommands.iter().find(named).ok_or_else(|| CommandError::UnknownSubcommand {
        name: clipped(word, 128),
        container: command.name.to_ascii_uppercase(),
    })
}

/// The name in lower case; none if it is no text or longer than any command's.
fn lower_case(name: &[u8]) -> Option<String> {
    const LONGEST: usize = 32;
    let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= LONGEST)?;
    Some(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_lower_case() {
        let rows: Vec<_> = FAMILIES.iter().flat_map(|family| family.iter()).collect();
        assert_eq!(rows.len(), BY_NAME.len());
        for row in rows {
            assert_eq!(lower_case(row.name.as_bytes()).as_deref(), Some(row.name));
            for subcommand in row.subcommands {
                let prefix = format!("{}|", row.name);
                assert!(subcommand.name.starts_with(&prefix), "{}", subcommand.name);
            }
        }
    }
}
