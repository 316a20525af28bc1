//! Runs one program on the client's core, to its end, and says what it cost: `peers/meter.c` has the
//! kernel's own count, which begins with the program's start.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use super::{CLIENT_CORE, tools};
use crate::lab::{self, Lab};
use crate::running;
use crate::stats::float;

/// A program as it is typed: its name for `tools::find`, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) program: &'static str,
    pub(super) arguments: Vec<String>,
}

/// What a run said and what it cost.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) text: String,
    code: i32,
    /// What it wrote to standard error.
    complaint: String,
    /// CPU of user and kernel, in seconds.
    pub(super) cpu_seconds: f64,
    /// The most memory it held at once.
    pub(super) peak_bytes: f64,
}

impl Run {
    /// What it said, unless it failed.
    pub(super) fn text(&self) -> anyhow::Result<&str> {
        let last = self.complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        ensure!(self.code == 0, "ended with exit code {}: {last}", self.code);
        Ok(&self.text)
    }
}

impl Typed {
    pub(super) fn new<T: Into<String>>(
        program: &'static str,
        arguments: impl IntoIterator<Item = T>,
    ) -> Self {
        Self { program, arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// As a reader types it, with the port left open.
    pub(super) fn line(&self, port: u16) -> String {
        let program = match self.program {
            "bench" => "target/release/bench",
            "oha" => "target/peers/bin/oha",
            "client" => "target/peers/client",
            same => same,
        };
        let hidden = |word: &String| match *word == port.to_string() {
            true => "PORT".to_owned(),
            false => word.replace(&format!(":{port}/"), ":PORT/"),
        };
        let arguments: Vec<String> = self.arguments.iter().map(hidden).collect();
        format!("taskset -c {CLIENT_CORE} {program} {}", arguments.join(" "))
    }

    fn words(&self, lab: &Lab) -> anyhow::Result<Vec<OsString>> {
        let program = match self.program {
            "bench" => lab.program("bench")?,
            other => tools::find(lab, other)?,
        };
        let arguments = self.arguments.iter().map(OsString::from);
        Ok([program.into_os_string()].into_iter().chain(arguments).collect())
    }
}

/// Runs it and measures it. What it writes to standard error goes to a file: on a terminal it might
/// show more than it shows here.
pub(super) async fn run(lab: &Lab, typed: &Typed) -> anyhow::Result<Run> {
    let folder = lab::folder()?;
    let [file, errors] = ["cost", "errors"].map(|name| folder.path().join(name));
    let mut command = on_core();
    command.arg(tools::find(lab, "meter")?).arg(&file).args(typed.words(lab)?);
    command.stderr(File::create(&errors).context("cannot make a file")?);
    let (text, code) = running::output(typed.program, command).await?;
    let (cpu_seconds, peak_bytes) = cost(&file)?;
    let complaint = fs::read_to_string(&errors).unwrap_or_default();
    Ok(Run { text, code, complaint, cpu_seconds, peak_bytes })
}

/// Runs it under `strace -f -c`: what it said, and strace's table.
pub(super) async fn trace(lab: &Lab, typed: &Typed) -> anyhow::Result<(String, String)> {
    let folder = lab::folder()?;
    let file = folder.path().join("calls");
    let mut command = on_core();
    command.stderr(Stdio::null());
    command.args(["strace", "-f", "-c", "-o"]).arg(&file).args(typed.words(lab)?);
    let (text, _) = running::output(typed.program, command).await?;
    let table = fs::read_to_string(&file).context("strace left no table")?;
    Ok((text, table))
}

fn on_core() -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", CLIENT_CORE]);
    command
}

fn cost(file: &Path) -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string(file).context("the meter wrote nothing")?;
    read_cost(&text).with_context(|| format!("the meter wrote '{}'", text.trim()))
}

/// Seconds of CPU and bytes at the peak, of `USER_US SYSTEM_US PEAK_KB`.
fn read_cost(text: &str) -> Option<(f64, f64)> {
    let mut words = text.split_whitespace().map(str::parse::<u64>);
    let mut next = || words.next()?.ok();
    let (user, system, peak) = (next()?, next()?, next()?);
    Some((float(user + system) / 1e6, float(peak) * 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_in_seconds_and_bytes() {
        let (cpu, peak) = read_cost("150000 1250000 5096\n").unwrap();
        assert!((cpu - 1.4).abs() < 1e-9);
        assert!((peak - 5_218_304.0).abs() < 1e-9);
        assert_eq!(read_cost("1 2"), None);
        assert_eq!(read_cost(""), None);
    }

    #[test]
    fn a_command_is_shown_without_its_port() {
        let typed = Typed::new("oha", ["-c", "64", "http://127.0.0.1:41234/"]);
        let line = "taskset -c 1 target/peers/bin/oha -c 64 http://127.0.0.1:PORT/";
        assert_eq!(typed.line(41234), line);
        let typed = Typed::new("client", ["127.0.0.1", "41234", "200", "kept"]);
        let line = "taskset -c 1 target/peers/client 127.0.0.1 PORT 200 kept";
        assert_eq!(typed.line(41234), line);
    }

    #[test]
    fn a_failure_is_told_with_its_last_line() {
        let mut run = Run {
            text: "1".to_owned(),
            code: 0,
            complaint: "usage\nno such flag\n\n".to_owned(),
            cpu_seconds: 0.0,
            peak_bytes: 0.0,
        };
        assert_eq!(run.text().unwrap(), "1");
        run.code = 2;
        let error = run.text().unwrap_err().to_string();
        assert_eq!(error, "ended with exit code 2: no such flag");
    }
}
