//! What can be typed behind `bench load`: flags and their help, and nothing of what they do.

mod typed;
mod words;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use exchange::Proxy;
use http::header::{HeaderName, HeaderValue};
use inference::gate::IfUndecided;

use crate::plan::Good;
use crate::schedule::Stage;
use crate::slo::Slo;
pub use typed::Typed;
use typed::typed;
pub use words::TargetText;
use words::{count, file_count, header, positive_length, ramp, rate, stages, target};
pub(crate) use words::{length, share};

/// What `bench load --help` ends with.
pub const AFTER_HELP: &str = "\
Examples:
  bench load http://localhost:8001/32                     64 connections, each as fast as answers come
  bench load -c64 -d30s --latency localhost:8001/32       the same in wrk's words
  bench load --rate 1000 --timeout 2s localhost:8001/32   1,000 requests a second, whatever comes back
  bench load --stages 100/s:10s,100..1000/s:30s URL       a rate that changes
  bench load --find-max --slo 'p99<250ms,errors<1%' URL   the highest rate that is still good
  bench load --body-random 32 -X POST localhost:8002/     a body, new each time
  bench load --save before.json URL; bench compare before.json after.json

Load only servers that are yours.

Exit codes:
  0    done, and all was good
  1    --slo was missed, nothing could connect or not any more, no response was good, or more
       failed than --max-errors allows
  2    bad arguments, too many connections for the limit of open files, or a percentile that no
       step of --find-max can judge
  3    inconclusive: too few requests to decide what --slo asks, or bench itself was held up or at
       its limit; --find-max says so too
  5    an error of bench itself, results or help could not be written, or too few open files or
       threads
  130  interrupted; what was measured is printed";

/// Arguments of `bench load`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct Settings {
    /// What is asked for: a URL, or `HOST[:PORT][/PATH]`; several take turns
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// A target with its share of the requests and its method, such as '3 GET localhost:8001/32';
    /// may be given several times
    #[arg(long = "target", value_name = "[WEIGHT] [METHOD] URL", value_parser = target)]
    pub targets: Vec<TargetText>,
    /// How requests arrive, and for how long.
    #[command(flatten)]
    pub arrival: ArrivalArgs,
    /// What is sent.
    #[command(flatten)]
    pub request: RequestArgs,
    /// How it is connected.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// What is said of it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How requests arrive, and for how long.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(next_help_heading = "Arrival")]
pub struct ArrivalArgs {
    /// Requests a second over all connections, sent when they are due (open loop); without it each
    /// connection sends as soon as it has its answer (closed loop)
    #[arg(short = 'R', long, value_name = "RATE", value_parser = typed(rate),
          conflicts_with_all = ["ramp", "stages"])]
    pub rate: Option<Typed<f64>>,
    /// A rate that changes evenly over the duration, such as 100..1000
    #[arg(long, value_name = "FROM..TO", value_parser = typed(ramp), conflicts_with = "stages")]
    pub ramp: Option<Typed<(f64, f64)>>,
    /// Rates one after the other, such as 100/s:10s,100..1000/s:30s
    #[arg(long, value_name = "RATE:TIME[,...]", value_parser = typed(stages),
          conflicts_with = "duration")]
    pub stages: Option<Typed<Stages>>,
    /// How requests of an open loop lie in time: evenly, or at random as independent users come
    #[arg(long, value_name = "KIND", default_value = "even")]
    pub arrival: ArrivalKind,
    /// Where random arrivals and bodies begin; the same gives the same again
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub seed: u64,
    /// Connections
    #[arg(short, long, value_name = "N", default_value = "64", value_parser = file_count)]
    pub connections: usize,
    /// Length of the window in which is measured [default: 10s, or until --requests are sent]
    #[arg(short, long, value_name = "TIME", value_parser = positive_length)]
    pub duration: Option<Duration>,
    /// Requests to send in the window
    #[arg(short = 'n', long, value_name = "N", value_parser = count)]
    pub requests: Option<u64>,
    /// Time before the window, whose requests are sent but not measured
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub warmup: Option<Duration>,
    /// Threads [default: half the cores, at most one for each connection]
    #[arg(short, long, value_name = "N", value_parser = file_count)]
    pub threads: Option<usize>,
    /// Search the highest rate that meets --slo and that the server sustains; --duration and
    /// --warmup are those of each step [default: 5s and 1s]
    #[arg(long, requires = "slo", conflicts_with_all = ["rate", "ramp", "stages", "requests",
          "hgrm", "hlog", "ndjson", "csv"])]
    pub find_max: bool,
}

/// What is sent.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// The method [default: GET, or POST with a body]
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub method: Option<http::Method>,
    /// A header, as 'NAME: VALUE'; may be given several times
    #[arg(short = 'H', long = "header", value_name = "HEADER", value_parser = header)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// User, for basic authentication; else the one in the URL
    #[arg(short = 'U', long, value_name = "NAME")]
    pub username: Option<String>,
    /// That user's password; safer in a file or in `BENCH_PASSWORD`
    #[arg(short = 'P', long, value_name = "WORD")]
    pub password: Option<String>,
    /// File with that user's password in its first line
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    /// A body; its type is application/octet-stream unless a header names another
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["body_file", "body_random"])]
    pub body: Option<String>,
    /// A body from a file
    #[arg(long, value_name = "FILE", conflicts_with = "body_random")]
    pub body_file: Option<PathBuf>,
    /// A body of so many random bytes, in 64 variants that take turns
    #[arg(long, value_name = "BYTES", value_parser = count)]
    pub body_random: Option<u64>,
    /// Statuses that are good: classes and codes
    #[arg(long, value_name = "LIST", default_value = "2xx,3xx")]
    pub ok: Good,
    /// Longest time from when a request could be sent to the end of its answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = positive_length)]
    pub timeout: Duration,
}

/// How it is connected.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(next_help_heading = "Connection")]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag that can be given")]
pub struct ConnectionArgs {
    /// A new connection for each request
    #[arg(long, visible_alias = "disable-keepalive")]
    pub no_keep_alive: bool,
    /// HTTP/2: over TLS as the server agrees, else with prior knowledge
    #[arg(long)]
    pub http2: bool,
    /// Requests side by side on each connection; with --http2
    #[arg(long, value_name = "N", default_value = "1", requires = "http2",
          value_parser = file_count)]
    pub streams: usize,
    /// Whose HTTP/1.1 is spoken: bench's own, or hyper's
    #[arg(long, value_name = "KIND", default_value = "raw", conflicts_with = "http2")]
    pub client: Client,
    /// Connect to this unix socket in place of the URL's host
    #[arg(long, value_name = "PATH", conflicts_with = "proxy")]
    pub unix: Option<PathBuf>,
    /// A proxy: `[socks5://][USER[:PASSWORD]@]HOST:PORT`
    #[arg(short = 'x', long, value_name = "PROXY")]
    pub proxy: Option<Proxy>,
    /// User of the proxy
    #[arg(long, value_name = "NAME", requires = "proxy")]
    pub proxy_user: Option<String>,
    /// That user's password; safer in a file or in `BENCH_PROXY_PASSWORD`
    #[arg(long, value_name = "WORD", requires = "proxy")]
    pub proxy_password: Option<String>,
    /// File with that user's password in its first line
    #[arg(long, value_name = "FILE", requires = "proxy", conflicts_with = "proxy_password")]
    pub proxy_password_file: Option<PathBuf>,
    /// Which addresses of a name are connected to: all in turn, connection by connection, or the
    /// first
    #[arg(long, value_name = "WHICH", default_value = "all")]
    pub resolve: Spread,
    /// IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// Local address to connect from
    #[arg(long, value_name = "IP")]
    pub bind: Option<IpAddr>,
    /// Trust any certificate
    #[arg(short = 'k', long, conflicts_with = "ca")]
    pub insecure: bool,
    /// Trust only this PEM file: authorities or server certificates
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// What is said of it.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(next_help_heading = "Results")]
pub struct OutputArgs {
    /// How results are printed: text and json are of the whole run, csv and ndjson have a row for
    /// each second
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
    /// Short for --output json
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
    /// What must hold, such as 'p99<250ms,errors<1%'; exit code 1 where it does not
    #[arg(long, value_name = "TERMS")]
    pub slo: Option<Slo>,
    /// Share of requests that may fail before the exit code is 1 [default: 0%, or what --slo says
    /// of errors]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub max_errors: Option<f64>,
    /// Keep the result as JSON, for `bench compare`
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Write the latencies as HdrHistogram's percentile distribution, for its plotter
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,
    /// Write the latencies as an HdrHistogram log
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,
    /// Write a row of JSON for each second
    #[arg(long, value_name = "FILE")]
    pub ndjson: Option<PathBuf>,
    /// Write a row of CSV for each second
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Show all percentiles there are in the text
    #[arg(long)]
    pub latency: bool,
    /// No live view, even in a terminal
    #[arg(long)]
    pub no_view: bool,
    /// wrk's scripts are not run; refused with a hint.
    #[arg(short = 's', long, value_name = "SCRIPT", hide = true)]
    pub script: Option<PathBuf>,
}

impl OutputArgs {
    /// Share of requests that may fail.
    #[must_use]
    pub fn most_errors(&self) -> f64 {
        // Where the SLO says how many may fail, it has the say.
        let judged = self.slo.as_ref().is_some_and(Slo::has_errors);
        self.max_errors.unwrap_or(if judged { 1.0 } else { 0.0 })
    }

    /// How results are printed.
    #[must_use]
    pub fn format(&self) -> Output {
        if self.json { Output::Json } else { self.output }
    }
}

/// Stages as they are typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages(pub Vec<Stage>);

/// How requests of an open loop lie in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArrivalKind {
    /// Evenly.
    Even,
    /// At random.
    Poisson,
}

/// Whose HTTP/1.1 is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// bench's own.
    Raw,
    /// hyper's.
    Hyper,
}

/// Which addresses of a name are connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Spread {
    /// All of them, connection by connection.
    All,
    /// The first.
    First,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// A row for each second.
    Csv,
    /// A JSON document for each second.
    Ndjson,
}

/// Arguments of `bench compare`.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct CompareSettings {
    /// What was measured before: a directory of `bench scale --out` or a file of `bench load
    /// --save`, or several with commas between
    #[arg(value_name = "BEFORE[,...]", value_delimiter = ',', num_args = 1, required = true)]
    pub before: Vec<PathBuf>,
    /// What was measured after
    #[arg(value_name = "AFTER[,...]", value_delimiter = ',', num_args = 1, required = true)]
    pub after: Vec<PathBuf>,
    /// Exit with 1 when the second side is shown to be slower and a slowdown of this share is not
    /// ruled out, with 0 when it is ruled out, else with 3
    #[arg(long, value_name = "SHARE", value_parser = limit)]
    pub fail_if_slower: Option<f64>,
    /// What an undecided --fail-if-slower counts as; never what could not be judged [default: exit 3]
    #[arg(long, value_name = "AS", requires = "fail_if_slower")]
    pub undecided: Option<Undecided>,
    /// Of loads: what --fail-if-slower judges
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "rate,p50,p90,p99",
        hide_possible_values = true
    )]
    pub judge: Vec<crate::compare::Metric>,
    /// How it is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: CompareOutput,
}

/// What becomes of a gate that is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Undecided {
    /// Exit with 0.
    Pass,
    /// Exit with 1.
    Fail,
}

impl CompareSettings {
    /// What an undecided gate counts as.
    #[must_use]
    pub fn if_undecided(&self) -> IfUndecided {
        self.undecided.map_or(IfUndecided::default(), IfUndecided::from)
    }
}

/// A slowdown to be caught.
fn limit(text: &str) -> Result<f64, String> {
    match share(text)? {
        limit if limit > 0.0 && limit < 1.0 => Ok(limit),
        _ => {
            Err("a slowdown between 0% and 100%, both excluded: no number of runs shows that two \
             sides are exactly equal"
                .to_owned())
        }
    }
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CompareOutput {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}
