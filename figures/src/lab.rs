//! What every figure is given: where the programs are, how long to measure, whom to tell.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::process::Command;

use crate::figure::Arguments;

/// The place figures are made in.
pub(crate) struct Lab {
    bin_dir: PathBuf,
    /// Short windows and few rounds.
    pub(crate) quick: bool,
    /// Window of a `bench scale`.
    pub(crate) window: Duration,
    tell: fn(&str),
}

impl Lab {
    pub(crate) fn new(arguments: &Arguments, tell: fn(&str)) -> anyhow::Result<Self> {
        let bin_dir = match &arguments.bin_dir {
            Some(folder) => folder.clone(),
            None => {
                let program = std::env::current_exe().context("cannot find this program's file")?;
                program.parent().context("this program's file is in no directory")?.to_owned()
            }
        };
        let usual = Duration::from_secs(if arguments.quick { 12 } else { 30 });
        let window = arguments.duration.unwrap_or(usual);
        Ok(Self { bin_dir, quick: arguments.quick, window, tell })
    }

    /// Says how far it is.
    pub(crate) fn note(&self, text: &str) {
        (self.tell)(text);
    }

    /// `full`, or `short` when it is to be quick.
    pub(crate) fn choose<T>(&self, full: T, short: T) -> T {
        if self.quick { short } else { full }
    }

    /// The window as bench is told it.
    pub(crate) fn window_typed(&self) -> String {
        match self.window.subsec_millis() {
            0 => format!("{}s", self.window.as_secs()),
            _ => format!("{}ms", self.window.as_millis()),
        }
    }

    /// The file of one of the project's programs.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.bin_dir.join(name);
        if path.is_file() {
            return Ok(path);
        }
        bail!(
            "no program {name} in {}; build them with: cargo build --release --workspace",
            self.bin_dir.display()
        )
    }

    /// One of the project's programs with `arguments`.
    pub(crate) fn command(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> anyhow::Result<Command> {
        let mut command = Command::new(self.program(name)?);
        command.args(arguments);
        Ok(command)
    }

    /// What a reader must know to judge every figure: the machine.
    pub(crate) fn preface(&self) -> String {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
        };
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let quick = if self.quick { " Made with `--quick`: not for publishing." } else { "" };
        format!(
            "Machine: {}, {cores} cores, {} of memory, Linux {}.{quick}\n\n",
            field("/proc/cpuinfo", "model name"),
            field("/proc/meminfo", "MemTotal"),
            kernel.trim()
        )
    }
}

/// A directory that is gone when dropped.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("figures-").tempdir().context("cannot make a directory")
}

/// Whether a program can be found.
pub(crate) fn is_installed(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
