//! What is said to arguments that cannot be followed, and help and version where they ask for it. It
//! shows no password that was typed.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use bench::failure::Exit;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use service::settings::hide_logins;

/// Flags that people try, and what does what they mean; the spelling alone would not suggest it.
const MEANT: [(&str, &str); 10] = [
    ("--replicas", "replicas are set by service: --worker N, --rng N, --hasher N"),
    ("--replica", "replicas are set by service: --worker N, --rng N, --hasher N"),
    ("--scale", "replicas are set by service: --worker N, --rng N, --hasher N"),
    ("--concurrency", "the number of connections is --connections N"),
    ("--users", "the number of connections is --connections N"),
    ("--qps", "the rate is --rate N"),
    ("--rps", "the rate is --rate N"),
    ("--post-data", "a body is --data in `bench ping` and --body in `bench load`"),
    ("--json", "the format is --output json"),
    ("--format", "the format is --output FORMAT"),
];

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
    if let Some((_, meant)) = MEANT.iter().find(|(tried, _)| *tried == flag) {
        // What is spelled alike is not what is meant, nor is it how the command is used.
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
        let tip = StyledStr::from(*meant);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
