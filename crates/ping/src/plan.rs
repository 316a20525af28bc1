//! What is to be done, with nothing in it that can still be wrong: the command line made into values.
//! Only the files it names are read.

mod asked;
mod route;

use std::path::PathBuf;
use std::time::Duration;

use crate::pace::Pace;
use crate::prober::Target;
use crate::settings::{Average, Bound, Limits, Output, Settings, Statuses, Timing};
use load::distribution::needed;

/// The interval, unless another is given.
const INTERVAL: Duration = Duration::from_secs(1);
/// The same where a graph is drawn.
const INTERVAL_OF_A_GRAPH: Duration = Duration::from_millis(500);

/// Probes to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of what, and how each.
    pub target: Target,
    /// How they follow each other.
    pub pace: Pace,
    /// How many; until told to stop where there is no number.
    pub count: Option<u64>,
    /// Whether to go on even when the very first look-up of the name fails.
    pub keeps_resolving: bool,
    /// Statuses that are ok.
    pub ok: Statuses,
    /// What is printed.
    pub format: Format,
    /// How text looks.
    pub look: Look,
    /// What must not be exceeded.
    pub bounds: Vec<Bound>,
    /// What the exit code tells.
    pub exit: ExitRule,
    /// Where the distribution of times is written.
    pub histogram: Option<PathBuf>,
    /// Why the request is what it is, where nobody said what it should be.
    pub chosen: Option<&'static str>,
}

/// What is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// httping's lines.
    Text,
    /// Nothing.
    Quiet,
    /// The time of each probe, or this text.
    Machine(String),
    /// httping's JSON.
    HttpingJson,
    /// JSON.
    Json,
    /// One line at the end, judged by the average.
    NagiosAverage(Average),
    /// One line at the end, and this exit code when anything failed.
    NagiosFailures(u8),
    /// A graph.
    Graph {
        /// The highest value of its axis.
        most: Option<Duration>,
        /// From where on a probe is listed as slow.
        slow: Option<Duration>,
    },
}

/// What the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitRule {
    /// Whether all probes were ok, and bounds kept.
    Strict,
    /// Whether any probe was ok.
    Httping,
}

/// How text looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What is shown of each probe.
    pub parts: Parts,
    /// How often -v was given.
    pub verbose: u8,
    /// Colours.
    pub colours: bool,
    /// From here on times are yellow.
    pub yellow: Option<Duration>,
    /// From here on they are red.
    pub red: Option<Duration>,
    /// Probes that take less are not shown.
    pub show: Option<Duration>,
    /// What each so long came to is shown.
    pub aggregates: Vec<Duration>,
}

/// What is shown of each probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that may or may not be given")]
pub struct Parts {
    /// Its status.
    pub status: bool,
    /// Its phases.
    pub split: bool,
    /// How fast its body came.
    pub speed: bool,
    /// How large its body was.
    pub size: bool,
    /// Large numbers with M and G.
    pub abbreviated: bool,
    /// The fingerprint of the certificate.
    pub fingerprint: bool,
    /// The time of day.
    pub timestamp: bool,
    /// The median of all, at the end.
    pub median: bool,
    /// A bell.
    pub bell: bool,
}

/// What was typed cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing to probe.
    #[error("what to probe is missing: bench ping http://HOST:PORT/PATH, or HOST[:PORT]")]
    NoPlace,
    /// A host that is none.
    #[error("-h '{0}' is no host: write a name or an address, and the port with -p")]
    Host(String),
    /// A file that cannot be read.
    #[error("{flag} {}: {reason}", path.display())]
    File {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// There is no user to log in as.
    #[error("{0}")]
    Unknown(#[from] load::credentials::Unknown),
    /// A header that cannot be sent.
    #[error("--header: {0}")]
    Header(#[from] exchange::BadHeader),
    /// Two ways to say what must be one.
    #[error("{0}")]
    Contradiction(String),
    /// A percentile that so few probes cannot have.
    #[error(
        "--fail-above {measure} needs {needed} probes, and -c allows {count}: raise -c, or bound avg or max"
    )]
    TooFew {
        /// The percentile.
        measure: String,
        /// How many it needs.
        needed: u64,
        /// How many there will be.
        count: u64,
    },
}

impl Plan {
    /// Makes sense of what was typed.
    ///
    /// # Errors
    /// When there is none.
    pub fn new(settings: Settings) -> Result<Self, Refusal> {
        let Settings { way, timing, settled, content, output, limits, help: _ } = settings;
        let keeps_connection = way.persistent_connections;
        let (resolves_once, keeps_resolving) = (way.resolve_once, way.keep_resolving);
        let buster = way.proxied.proxy_buster.clone();
        let route = route::route(way, &settled)?;
        // HTTP/2 has no such header.
        let closes = !keeps_connection && route.protocol != exchange::Protocol::Http2;
        let user_headers = settled.header.clone();
        let (asked, chosen) = asked::asked(settled, content, buster, closes)?;
        exchange::check_headers(&user_headers, asked.body_length(), route.protocol)?;
        let Timing { count, interval, flood, timeout, adaptive_interval: _ } = timing;
        let usual = if output.gui { INTERVAL_OF_A_GRAPH } else { INTERVAL };
        let pace = if flood { Pace::Flood } else { Pace::Every(interval.unwrap_or(usual)) };
        let count = count.map(u64::from);
        enough(&limits.fail_above, count)?;
        let target = Target { route, asked, keeps_connection, resolves_once, limit: timeout };
        Ok(Self {
            target,
            pace,
            count,
            keeps_resolving,
            ok: limits.ok.clone().unwrap_or_default(),
            format: format(&output, &limits),
            look: look(&output, &limits),
            exit: if limits.httping_exit { ExitRule::Httping } else { ExitRule::Strict },
            bounds: limits.fail_above,
            histogram: output.histogram,
            chosen,
        })
    }
}

/// Whether so many probes can tell what is bounded.
fn enough(bounds: &[Bound], count: Option<u64>) -> Result<(), Refusal> {
    use crate::settings::Measure;
    let Some(count) = count else { return Ok(()) };
    for bound in bounds {
        if let Measure::Quantile(share) = bound.measure
            && needed(share.of_one()) > count
        {
            let (measure, needed) = (bound.measure.name(), needed(share.of_one()));
            return Err(Refusal::TooFew { measure, needed, count });
        }
    }
    Ok(())
}

fn format(output: &Output, limits: &Limits) -> Format {
    match output {
        Output { quiet: true, .. } => Format::Quiet,
        Output { parseable_output: true, .. } => Format::Machine(limits.result_string.clone()),
        Output { httping_json: true, .. } => Format::HttpingJson,
        Output { json: true, .. } => Format::Json,
        Output { gui: true, graph_limit, slow_log, .. } => {
            Format::Graph { most: *graph_limit, slow: *slow_log }
        }
        _ => match (limits.nagios_mode_1, limits.nagios_mode_2) {
            (Some(average), _) => Format::NagiosAverage(average),
            (None, Some(code)) => Format::NagiosFailures(code),
            (None, None) => Format::Text,
        },
    }
}

fn look(output: &Output, limits: &Limits) -> Look {
    Look {
        parts: Parts {
            status: output.show_statuscodes,
            split: output.split_time,
            speed: output.show_transfer_speed,
            size: output.show_kb,
            abbreviated: output.abbreviate,
            fingerprint: output.show_fingerprint,
            timestamp: output.timestamp,
            median: output.median,
            bell: output.audible_ping,
        },
        verbose: output.verbose,
        colours: output.colors,
        yellow: limits.threshold_yellow,
        red: limits.threshold_red,
        show: limits.threshold_show,
        aggregates: output.aggregate.clone(),
    }
}

fn unreadable(flag: &'static str, path: PathBuf, error: &std::io::Error) -> Refusal {
    let text = error.to_string();
    let reason = text.split_once(" (os error").map_or(&*text, |(words, _)| words).to_owned();
    Refusal::File { flag, path, reason }
}

#[cfg(test)]
mod tests;
