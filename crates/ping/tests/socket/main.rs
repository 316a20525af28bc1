//! `bench ping` as a user meets it, on real sockets: what is printed and which exit code there is,
//! for servers that behave and for servers that do not.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

mod faults;
mod requests;
mod server;
mod telling;

use clap::Parser;
use ping::command::{Outs, ping};
use ping::settings::Settings;
use tokio::sync::mpsc;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: u8,
    /// Its standard output.
    pub(crate) out: String,
    /// What was said beside.
    pub(crate) notes: String,
}

/// Runs `bench ping` with these words to its end.
pub(crate) async fn run(words: &str) -> Ended {
    let words = ["ping"].into_iter().chain(words.split_whitespace());
    let settings = Cli::parse_from(words).settings;
    let like_httping = settings.limits.httping_exit;
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let (_wishes, glances) = mpsc::channel(1);
    let outs = Outs { results: &mut out, notes: &mut notes, terminal: None };
    let code = match ping(settings, std::future::pending(), glances, outs).await {
        Ok(code) => code,
        Err(trouble) => {
            notes.extend_from_slice(trouble.to_string().as_bytes());
            trouble.exit(like_httping)
        }
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code, out: text(out), notes: text(notes) }
}
