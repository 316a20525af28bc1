//! The access log: one line for each request that was answered, as Rack writes it for the original
//! hasher. It says when a request was answered, not what it meant.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args;
use hyper::body::Body as _;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::{Lines, STANDARD_ERROR};
use crate::settings::{Common, LogFormat};
use crate::{Reply, Request};

/// What asks whether a service is well, and would hide everything else.
const UNLOGGED: [&str; 2] = ["/health", "/metrics"];

/// Whether requests are logged.
#[derive(Args, Clone, Copy, Debug)]
pub struct AccessLogging {
    /// Log each request on standard error: client, time, request, status, bytes, seconds; not
    /// those of /health and /metrics
    #[arg(long, value_name = "BOOL", default_value = "false", default_missing_value = "true",
          action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true)]
    access_log: bool,
}

impl AccessLogging {
    /// The log of this process, where it is wanted, in the format of its other lines.
    #[must_use]
    pub fn open(self, common: &Common) -> Option<AccessLog> {
        let lines = self.access_log.then(|| STANDARD_ERROR.get_or_init(Lines::default).clone());
        lines.map(|lines| AccessLog::new(lines, common.log_format))
    }
}

/// Where requests are logged.
#[derive(Clone, Debug)]
pub struct AccessLog {
    lines: Lines,
    format: LogFormat,
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Entry {
    log: AccessLog,
    client: IpAddr,
    /// Text of its own: a part of the header would keep hyper from using its buffer again.
    request: String,
    began: Instant,
}

/// A line as JSON.
#[derive(Serialize)]
struct Fields<'a> {
    timestamp: String,
    client: IpAddr,
    method: &'a str,
    target: &'a str,
    version: &'a str,
    status: u16,
    bytes: u64,
    seconds: f64,
}

impl AccessLog {
    /// A log in `lines`.
    #[must_use]
    pub fn new(lines: Lines, format: LogFormat) -> Self {
        Self { lines, format }
    }

    /// Notes when a request came, if it is one that is logged.
    pub(crate) fn begin(&self, client: SocketAddr, request: &Request) -> Option<Entry> {
        let uri = request.uri();
        if UNLOGGED.contains(&uri.path()) {
            return None;
        }
        let target = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
        let mut text = String::with_capacity(target.len() + 16);
        let _ = write!(text, "{} {} {:?}", request.method(), Escaped(target), request.version());
        let client = client.ip().to_canonical();
        Some(Entry { log: self.clone(), client, request: text, began: Instant::now() })
    }
}

impl Entry {
    /// Logs what the request was answered with.
    pub(crate) fn end(self, reply: &Reply) {
        let bytes = reply.body().size_hint().exact().unwrap_or_default();
        let (status, seconds) = (reply.status().as_u16(), self.began.elapsed());
        let line = match self.log.format {
            LogFormat::Text => self.text(Timestamp::now(), status, bytes, seconds),
            LogFormat::Json => self.json(Timestamp::now(), status, bytes, seconds),
        };
        self.log.lines.push(line.as_bytes());
    }

    fn text(&self, now: Timestamp, status: u16, bytes: u64, took: Duration) -> String {
        let Self { client, request, .. } = self;
        let (time, seconds) = (now.strftime("%d/%b/%Y:%H:%M:%S +0000"), took.as_secs_f64());
        let mut line = String::with_capacity(request.len() + 80);
        let _ = write!(line, "{client} - - [{time}] \"{request}\" {status} ");
        let _ = match bytes {
            0 => write!(line, "-"),
            bytes => write!(line, "{bytes}"),
        };
        let _ = writeln!(line, " {seconds:.4}");
        line
    }

    fn json(&self, now: Timestamp, status: u16, bytes: u64, took: Duration) -> String {
        let mut words = self.request.splitn(3, ' ');
        let [method, target, version] = [(); 3].map(|()| words.next().unwrap_or_default());
        let (timestamp, client, seconds) = (now.to_string(), self.client, took.as_secs_f64());
        let fields = Fields { timestamp, client, method, target, version, status, bytes, seconds };
        let mut line = serde_json::to_string(&fields).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// A request target between quotes: what would end them, or is no ASCII, is written as `\xHH`.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        let mut rest = self.0;
        while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
            // Only whole characters before it, so this cuts between two.
            out.write_str(rest.get(..at).unwrap_or_default())?;
            let end = (at + 1..=rest.len()).find(|end| rest.is_char_boundary(*end));
            let end = end.unwrap_or(rest.len());
            for byte in rest.get(at..end).unwrap_or_default().bytes() {
                write!(out, "\\x{byte:02X}")?;
            }
            rest = rest.get(end..).unwrap_or_default();
        }
        out.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(request: &str, format: LogFormat) -> Entry {
        let log = AccessLog::new(Lines::default(), format);
        let (client, began) = ([10, 0, 0, 7].into(), Instant::now());
        Entry { log, client, request: request.to_owned(), began }
    }

    /// 1 December 2026, 08:11:04.25 UTC.
    fn moment() -> Timestamp {
        "2026-12-01T08:11:04.25Z".parse().unwrap()
    }

    #[test]
    fn a_line_is_what_rack_writes() {
        let took = Duration::from_micros(105_349);
        let entry = entry("POST /?x=1 HTTP/1.1", LogFormat::Text);
        let head = r#"10.0.0.7 - - [01/Dec/2026:08:11:04 +0000] "POST /?x=1 HTTP/1.1" 200"#;
        assert_eq!(entry.text(moment(), 200, 64, took), format!("{head} 64 0.1053\n"));
        assert_eq!(entry.text(moment(), 200, 0, took), format!("{head} - 0.1053\n"));
    }

    #[test]
    fn a_line_of_json_has_the_same() {
        let entry = entry("GET /32 HTTP/1.0", LogFormat::Json);
        let line = entry.json(moment(), 404, 10, Duration::from_millis(250));
        let fields: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = serde_json::json!({
            "timestamp": "2026-12-01T08:11:04.25Z", "client": "10.0.0.7", "method": "GET",
            "target": "/32", "version": "HTTP/1.0", "status": 404, "bytes": 10, "seconds": 0.25,
        });
        assert_eq!((fields, line.ends_with('\n')), (expected, true));
    }

    #[test]
    fn nothing_in_a_target_ends_the_quotes_or_the_line() {
        for (target, shown) in [
            ("/32", "/32"),
            ("/a\"b\\c", r"/a\x22b\x5Cc"),
            ("/ä\n", r"/\xC3\xA4\x0A"),
            ("/%22", "/%22"),
        ] {
            assert_eq!(Escaped(target).to_string(), shown);
        }
    }
}
