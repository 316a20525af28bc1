//! Where probes go, and by which way.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use exchange::{Proxy, Url};

use super::values;

/// Where probes go.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Where")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that may or may not be given")]
pub struct Way {
    /// What to probe: http://HOST:PORT/PATH or less of it
    #[arg(value_name = "URL|HOST[:PORT]", conflicts_with_all = ["url", "hostname"])]
    pub place: Option<Url>,
    /// What to probe, as a flag
    #[arg(short = 'g', long, value_name = "URL", conflicts_with = "hostname")]
    pub url: Option<Url>,
    /// The host alone
    #[arg(short = 'h', long, value_name = "HOST")]
    pub hostname: Option<String>,
    /// The port, with -h
    #[arg(short, long, value_name = "N", requires = "hostname",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Connect to this unix socket and ask it for the URL
    #[arg(long, value_name = "PATH", conflicts_with_all = ["proxy", "divert_connect", "bind_to"])]
    pub unix: Option<PathBuf>,
    /// Connect to this host and ask it for the URL
    #[arg(long, value_name = "HOST[:PORT]", value_parser = values::place)]
    pub divert_connect: Option<(String, Option<u16>)>,
    /// Use IPv6 addresses only
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// Connect from this address
    #[arg(short = 'y', long, value_name = "IP")]
    pub bind_to: Option<IpAddr>,
    /// Look the name up once, before the first probe
    #[arg(short, long)]
    pub resolve_once: bool,
    /// Go on even when the very first lookup of the name fails
    #[arg(short = 'W', long)]
    pub keep_resolving: bool,
    /// Keep the connection; a C marks probes that had to connect again
    #[arg(short = 'Q', long, visible_alias = "keepalive")]
    pub persistent_connections: bool,
    /// Speak HTTP/2: over TLS by agreement, else with prior knowledge
    #[arg(short = '2', long)]
    pub http2: bool,
    /// Use TLS, as an https:// URL does
    #[arg(short = 'l', long)]
    pub use_ssl: bool,
    /// Accept any certificate
    #[arg(short = 'k', long, conflicts_with = "ca")]
    pub insecure: bool,
    /// Trust only this PEM file: authorities or server certificates
    #[arg(long, alias = "ca-path", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Through which proxy.
    #[command(flatten)]
    pub proxied: Proxied,
}

/// Through which proxy.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Proxy")]
pub struct Proxied {
    /// Go through a proxy
    #[arg(short = 'x', long, value_name = "[socks5://][USER[:PASSWORD]@]HOST:PORT")]
    pub proxy: Option<Proxy>,
    /// The proxy speaks SOCKS5
    #[arg(short = '5', requires = "proxy")]
    pub socks5: bool,
    /// User of the proxy
    #[arg(long, value_name = "NAME", requires = "proxy")]
    pub proxy_user: Option<String>,
    /// That user's password; safer in a file or in `BENCH_PROXY_PASSWORD`
    #[arg(long, value_name = "WORD", requires = "proxy")]
    pub proxy_password: Option<String>,
    /// File with that user's password in its first line
    #[arg(long, value_name = "FILE", requires = "proxy", conflicts_with = "proxy_password")]
    pub proxy_password_file: Option<PathBuf>,
    /// Add a parameter of this name to the URL, with a random value each time
    #[arg(long, value_name = "NAME")]
    pub proxy_buster: Option<String>,
}
