//! How much one client may ask of a service. Only values and their flags; `serve` enforces them.

use std::time::Duration;

use clap::Args;

use crate::settings::duration;

/// Connections over the limit that are answered at a time: `/health` as ever, all else 503.
pub const RESERVE: usize = 64;
/// How long a connection over the limit may take to send its request.
pub const RESERVE_TIMEOUT: Duration = Duration::from_secs(1);
/// Seconds after which a client that got 503 may try again: the value of its `Retry-After`.
pub const RETRY_AFTER: u32 = 1;

/// Limits that protect a service from slow, greedy and silent clients.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Longest wait for a request's header, an idle kept connection's wait included
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub header_timeout: Duration,
    /// Longest wait for more of a request's body
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub body_timeout: Duration,
    /// Longest time one request may take from its header to its answer, time in the queue included
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub request_timeout: Duration,
    /// Longest wait for requests under way once the service is told to stop
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub drain_timeout: Duration,
    /// Most connections at a time, fewer where the open-file limit leaves no more; one more is
    /// answered 503, /health excepted
    #[arg(long, value_name = "N", default_value = "20000",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Most bytes of a request's header (at least 8192)
    #[arg(long, value_name = "BYTES", default_value = "16384",
          value_parser = clap::value_parser!(u32).range(8192..))]
    pub max_header: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(10),
            drain_timeout: Duration::from_secs(5),
            max_connections: 20_000,
            max_header: 16_384,
        }
    }
}
