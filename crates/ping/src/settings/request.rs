//! What is asked.

use std::path::PathBuf;

use clap::Args;
use http::Method;
use http::header::{HeaderName, HeaderValue};

use super::values;

/// Method and headers.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Request")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that may or may not be given")]
pub struct Settled {
    /// Send GET in place of HEAD, and read the body
    #[arg(short = 'G', long, conflicts_with = "method")]
    pub get_request: bool,
    /// Send this method [default: HEAD; with a body POST]
    #[arg(long, value_name = "METHOD", value_parser = values::method)]
    pub method: Option<Method>,
    /// Add a header; may be given more than once
    #[arg(long, value_name = "NAME: VALUE", value_parser = values::header)]
    pub header: Vec<(HeaderName, HeaderValue)>,
    /// What to send as User-Agent
    #[arg(short = 'I', long, value_name = "TEXT", value_parser = values::header_value)]
    pub user_agent: Option<HeaderValue>,
    /// What to send as Referer
    #[arg(short = 'R', long, value_name = "URL", value_parser = values::header_value)]
    pub referer: Option<HeaderValue>,
    /// Send a cookie; may be given more than once
    #[arg(short = 'C', long, value_name = "NAME=VALUE")]
    pub cookie: Vec<String>,
    /// User, for basic authentication; else the one in the URL
    #[arg(short = 'U', long, value_name = "NAME")]
    pub username: Option<String>,
    /// That user's password; safer in a file or in `BENCH_PASSWORD`
    #[arg(short = 'P', long, value_name = "WORD")]
    pub password: Option<String>,
    /// File with that user's password in its first line
    #[arg(short = 'T', long, value_name = "FILE", conflicts_with = "password")]
    pub password_file: Option<PathBuf>,
    /// -U alone does it; httping wants to be told.
    #[arg(short = 'A', long, hide = true)]
    pub basic_auth: bool,
    /// Ask caches on the way not to answer
    #[arg(short = 'Z', long)]
    pub no_cache: bool,
    /// Leave the Host header out
    #[arg(long, conflicts_with = "http2")]
    pub no_host_header: bool,
}

/// The body. Its type is application/octet-stream unless a header names another.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Request")]
#[group(multiple = false)]
pub struct Content {
    /// Send this text as body
    #[arg(long, value_name = "TEXT")]
    pub data: Option<String>,
    /// Send so many random bytes as body, others with each probe
    #[arg(long, value_name = "N", value_parser = values::body_length)]
    pub data_bytes: Option<usize>,
    /// Send this file as body
    #[arg(long, value_name = "FILE")]
    pub data_file: Option<PathBuf>,
}
