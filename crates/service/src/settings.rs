//! Settings of a service: each is a flag and an environment variable, `RNG_SERVICE_TIME` for
//! rng's `--service-time`, so that a stack file and a shell can both set it. A wrong one stops the
//! start. Parsing only; nothing here reads a clock or a file.

use std::ffi::OsString;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Args, Command, Parser};

/// What every service can be told besides its own settings.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// Name this replica goes by in its answers and logs [default: the host name]
    #[arg(long, value_name = "NAME", value_parser = replica_name)]
    pub replica: Option<String>,
    /// Least severe log lines to write
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = log_level)]
    pub log_level: tracing::Level,
    /// How log lines are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// Let experiments change this service while it runs: delays and policies that webui's
    /// /api/experiment sets for a while
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true)]
    pub allow_experiments: bool,
    /// Ask the running service for /health on the port set here, and exit: 0 when it answers
    /// 200 within 2 s, else 1
    #[arg(long)]
    pub check_health: bool,
    /// Stop when standard input ends, as it does when the parent process is gone
    #[arg(long, hide = true)]
    pub lifeline: bool,
}

/// Where a service with an HTTP port listens.
#[derive(Args, Clone, Debug)]
pub struct Listen {
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "0.0.0.0")]
    pub address: std::net::IpAddr,
    /// Port to listen on; 0 lets the system choose
    // Its variable is not <SERVICE>_PORT, which orchestrators set to something else.
    #[arg(long = "port", id = "listen_port", value_name = "PORT", default_value = "80")]
    pub port: u16,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Listen {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> std::net::SocketAddr {
        std::net::SocketAddr::new(self.address, self.port)
    }
}

/// Parses a service's command line, with an environment variable `<SERVICE>_<FLAG>` behind
/// every flag that takes a value. A command-line flag wins over its variable.
///
/// # Errors
/// What clap found wrong, with the variable's name where the wrong value came from there; also
/// `--help` and `--version`, which clap reports the same way.
pub fn parse<T: Parser>(service: &str, arguments: &[OsString]) -> Result<T, clap::Error> {
    let mut command = with_environment(T::command(), service);
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| hide_logins(name_variable(error, &command, arguments)))?;
    T::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn with_environment(command: Command, service: &str) -> Command {
    let prefix = service.to_uppercase();
    command.mut_args(|arg| {
        // A switch says what to do now: as a variable it would reach services that are to run.
        let is_switch = !arg.get_action().takes_values();
        if arg.get_long().is_none() || arg.is_hide_set() || is_switch {
            return arg;
        }
        let name = variable(&prefix, &arg);
        arg.env(name)
    })
}

fn variable(prefix: &str, arg: &Arg) -> String {
    format!("{prefix}_{}", arg.get_id().as_str().to_uppercase())
}

/// clap names only the flag; where the value came from the environment, that is half the answer.
fn name_variable(mut error: clap::Error, command: &Command, arguments: &[OsString]) -> clap::Error {
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return error;
    }
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(arg) = command.get_arguments().find(|arg| arg.to_string() == *shown) else {
        return error;
    };
    let long = format!("--{}", arg.get_long().unwrap_or_default());
    let typed = arguments.iter().filter_map(|argument| argument.to_str());
    let on_command_line = typed.into_iter().any(|a| a.split('=').next() == Some(long.as_str()));
    if let (false, Some(name)) = (on_command_line, arg.get_env()) {
        let shown = format!("{shown} (from the environment: {})", name.to_string_lossy());
        error.insert(ContextKind::InvalidArg, ContextValue::String(shown));
    }
    error
}

/// The same error without the user names and passwords that the wrong values may hold.
#[must_use]
pub fn hide_logins(mut error: clap::Error) -> clap::Error {
    let hidden = |kind: ContextKind, text: &str| match kind {
        // Even what is not written as a URL may hold a password.
        ContextKind::InvalidArg | ContextKind::InvalidValue => redacted::address(text),
        _ => redacted::text(text).into_owned(),
    };
    let values: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(hidden(kind, text)))),
            _ => None,
        })
        .collect();
    for (kind, value) in values {
        error.insert(kind, value);
    }
    error
}

/// A length of time as people write it: `100ms`, `1.5s`, `2m`, `1h`, or `0`.
///
/// # Errors
/// A sentence with an example when the text is no length of time, or is negative.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|signed| Duration::try_from(signed).ok())
        .ok_or_else(|| String::from("not a length of time; write for example 100ms, 1.5s or 0"))
}

/// A length of time above zero.
///
/// # Errors
/// As [`duration`], and for zero.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(Duration::ZERO) => Err(String::from("must be longer than 0")),
        Ok(length) => Ok(length),
        Err(_) => Err(String::from("not a length of time; write for example 100ms or 1.5s")),
    }
}

fn replica_name(text: &str) -> Result<String, String> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    match printable && !text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err(String::from("must be printable ASCII without spaces")),
    }
}

fn log_level(text: &str) -> Result<tracing::Level, String> {
    text.parse().map_err(|_| String::from("one of error, warn, info, debug, trace"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser, Debug)]
    struct Example {
        #[arg(long, value_parser = duration, default_value = "100ms")]
        service_time: Duration,
        #[command(flatten)]
        common: Common,
    }

    fn parse_words(words: &[&str]) -> Result<Example, clap::Error> {
        let arguments = std::iter::once("example").chain(words.iter().copied());
        parse("example", &arguments.map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["", "abc", "-1s", "10", "1 fortnight"] {
            assert!(duration(wrong).is_err(), "{wrong:?} was accepted");
        }
        assert!(positive_duration("0").is_err());
    }

    #[test]
    fn every_flag_has_a_variable_named_after_the_service() {
        let command = with_environment(<Example as clap::CommandFactory>::command(), "rng");
        let names: Vec<_> =
            command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()).collect();
        assert_eq!(
            names,
            [
                "RNG_SERVICE_TIME",
                "RNG_REPLICA",
                "RNG_LOG_LEVEL",
                "RNG_LOG_FORMAT",
                "RNG_ALLOW_EXPERIMENTS"
            ]
        );
    }

    #[test]
    fn experiments_are_allowed_by_a_flag_with_or_without_a_value() {
        let allowed = |words: &[&str]| parse_words(words).unwrap().common.allow_experiments;
        assert!(!allowed(&[]));
        assert!(allowed(&["--allow-experiments"]));
        assert!(allowed(&["--allow-experiments=true"]));
        assert!(!allowed(&["--allow-experiments=false"]));
        // The next word is not its value.
        assert!(allowed(&["--allow-experiments", "--replica", "r"]));
        let error = parse_words(&["--allow-experiments=perhaps"]).unwrap_err().to_string();
        assert!(error.contains("--allow-experiments"), "{error}");
    }

    #[test]
    fn a_refused_value_shows_no_login() {
        #[derive(Parser, Debug)]
        struct Example {
            #[arg(long, value_parser = |_: &str| Err::<String, _>("wrong"))]
            redis: Option<String>,
            #[arg(long, value_parser = |_: &str| Err::<String, _>("wrong"))]
            engine: Option<String>,
        }
        for (word, shown) in [
            ("--redis=ada:geheim@host", "'***@host'"),
            ("--redis=redis://:geheim@host", "'redis://***@host'"),
            ("--engine=tcp://ada:geheim@host", "'tcp://***@host'"),
            ("--engine=ada:ge/geheim@host", "'***@host'"),
            ("--engine=unix:///r?pass=geheim", "'unix:///r?pass=***'"),
            ("ada:geheim@host", "'***@host'"),
        ] {
            let words = ["example", word].map(OsString::from);
            let error = parse::<Example>("example", &words).unwrap_err().to_string();
            assert!(error.contains(shown) && !error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_refused_by_the_name_of_its_flag() {
        let error = parse_words(&["--service-time", "soon"]).unwrap_err().to_string();
        assert!(error.contains("--service-time"), "{error}");
        assert!(error.contains("100ms"), "{error}");
        let error = parse_words(&["--replica", "two words"]).unwrap_err().to_string();
        assert!(error.contains("--replica"), "{error}");
        let right = parse_words(&["--service-time=5ms", "--log-level=debug"]).unwrap();
        assert_eq!(right.service_time, Duration::from_millis(5));
        assert_eq!(right.common.log_level, tracing::Level::DEBUG);
    }
}
