//! What is said to arguments that cannot be followed, and help and version where they ask for it. It
//! shows no password that was typed.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use bench::failure::Exit;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use service::settings::hide_logins;

/// Flags that people try, what does what they mean, and in which commands; the spelling alone would
/// not suggest it.
const MEANT: [(&str, &str, &[&str]); 12] = [
    ("--replicas", REPLICAS, SERVICES),
    ("--replica", REPLICAS, SERVICES),
    ("--scale", REPLICAS, SERVICES),
    ("--concurrency", "the number of connections is --connections N", &["load"]),
    ("--users", "the number of connections is --connections N", &["load"]),
    ("--qps", "the rate is --rate N", &["load"]),
    ("--rps", "the rate is --rate N", &["load"]),
    ("--post-data", "a body is --data", &["ping"]),
    ("--post-data", "a body is --body", &["load"]),
    ("--json", "the format is --output json", FORMATS),
    ("--format", "the format is --output FORMAT", FORMATS),
    ("--format", "the format is --output FORMAT", &["load"]),
];
/// The commands that set or count replicas.
const SERVICES: &[&str] = &["up", "scale", "sweep", "plan"];
/// The commands with several formats and no flag for one of them.
const FORMATS: &[&str] = &["scale", "sweep", "plan", "status", "probe"];
const REPLICAS: &str = "replicas are set by service: --worker N, --rng N, --hasher N";

/// The arguments, with `--help` in the place of all of `bench ping`'s where its `-h` has no host: to
/// httping's hands that is the host, and to all others a wish for help.
pub(crate) fn arguments(typed: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let typed: Vec<OsString> = typed.collect();
    let is_ping = typed.get(1).is_some_and(|command| command == "ping");
    let is_flag = |argument: &OsString| argument.as_encoded_bytes().starts_with(b"-");
    let bare = (typed.iter().enumerate())
        .any(|(at, argument)| argument == "-h" && typed.get(at + 1).is_none_or(is_flag));
    if is_ping && bare {
        let program = typed.into_iter().take(2);
        return program.chain([OsString::from("--help")]).collect();
    }
    typed
}

/// Says what is wrong with the arguments, or prints the help or version that they ask for.
pub(crate) fn misused(error: clap::Error) -> ExitCode {
    let mut error = hide_logins(error);
    suggest(&mut error);
    let printed = error.print().and_then(|()| io::stdout().flush());
    let pings = std::env::args_os().nth(1).is_some_and(|command| command == "ping");
    let like_httping = pings && std::env::args_os().any(|argument| argument == "--httping-exit");
    match (error.exit_code(), printed) {
        // Whoever closed the pipe has seen enough.
        (0, Err(unprinted)) if unprinted.kind() != io::ErrorKind::BrokenPipe => {
            // With nowhere to print to, the exit code still reports it.
            let _ = writeln!(io::stderr(), "error: cannot print: {unprinted}");
            ExitCode::from(Exit::Internal as u8)
        }
        (0, _) => ExitCode::SUCCESS,
        _ if like_httping => ExitCode::FAILURE,
        _ => ExitCode::from(Exit::Usage as u8),
    }
}

/// Names what an unknown flag probably means.
fn suggest(error: &mut clap::Error) {
    if error.kind() != ErrorKind::UnknownArgument {
        return;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else { return };
    let flag = typed.split('=').next().unwrap_or(typed);
    let command = std::env::args().nth(1).unwrap_or_default();
    if let Some(meant) = meant(flag, &command) {
        // What is spelled alike is not what is meant, nor is it how the command is used.
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
        let tip = StyledStr::from(meant);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
}

/// What this flag probably means in this command.
fn meant(flag: &str, command: &str) -> Option<&'static str> {
    let fits = |(tried, _, commands): &&(&str, &str, &[&str])| {
        *tried == flag && commands.contains(&command)
    };
    MEANT.iter().find(fits).map(|(_, meant, _)| *meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_explained_where_it_fits_only() {
        assert_eq!(meant("--qps", "load"), Some("the rate is --rate N"));
        assert_eq!(meant("--qps", "scale"), None);
        assert_eq!(meant("--post-data", "ping"), Some("a body is --data"));
        assert_eq!(meant("--post-data", "load"), Some("a body is --body"));
        assert_eq!(meant("--replicas", "ping"), None);
        assert!(meant("--format", "load").is_some() && meant("--json", "load").is_none());
    }

    #[test]
    fn ping_s_h_without_a_host_is_a_wish_for_help() {
        let asks = |words: &str| {
            let typed = words.split(' ').map(OsString::from);
            arguments(typed).last().is_some_and(|last| last == "--help")
        };
        assert!(asks("bench ping -h") && asks("bench ping -c 3 -h") && asks("bench ping x -h -G"));
        assert!(!asks("bench ping -h host") && !asks("bench ping -h host -c 1"));
        assert!(!asks("bench load -h"));
    }
}
