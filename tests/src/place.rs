//! A place on the machine for one test: a directory for its apps, so that tests that run at the
//! same time never find each other's, and settings that make the app fast.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Ended, Process};
use crate::up::Up;

/// Settings for tests in which the app's speed does not matter.
const FAST: [(&str, &str); 4] = [
    ("RNG_SERVICE_TIME", "10ms"),
    ("HASHER_SERVICE_TIME", "10ms"),
    ("WORKER_THINK_TIME", "10ms"),
    ("WORKER_FLUSH_INTERVAL", "100ms"),
];

/// Any free ports.
const PORTS: [&str; 6] = ["--webui-port", "0", "--rng-port", "0", "--hasher-port", "0"];

/// Where a test's apps run.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Place {
    /// A place where the app runs fast.
    #[must_use]
    pub fn fast() -> Self {
        let place = Self::nominal();
        FAST.iter().fold(place, |place, (name, value)| place.with(name, value))
    }

    /// A place where the app runs at the original's speed.
    #[must_use]
    pub fn nominal() -> Self {
        // Made with mode 0700.
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self { folder, settings: Vec::new() }
    }

    /// The same place with one more environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A directory of this test, gone after it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The directories that running apps keep.
    #[must_use]
    pub fn app_folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder().join("dockercoins"));
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// `bench` with these words, on free ports unless some are named. It sees no environment but
    /// this place's.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.plain(words);
        let is_named = |flag: &str| words.contains(&flag);
        for pair in PORTS.chunks(2).filter(|pair| !is_named(pair[0])) {
            command.args(pair);
        }
        command
    }

    /// `bench` with these words and no others.
    #[must_use]
    pub fn plain(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(words).current_dir(self.folder()).env_clear();
        command.env("XDG_RUNTIME_DIR", self.folder());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `bench` with these words.
    #[must_use]
    pub fn start(&self, words: &[&str]) -> Process {
        Process::start(&mut self.command(words))
    }

    /// Runs `bench` with these words to its end.
    pub async fn run(&self, words: &[&str]) -> Ended {
        self.start(words).end().await
    }

    /// Starts `bench up` with these words and waits for its addresses.
    pub async fn up(&self, words: &[&str]) -> Up {
        Up::start(self.start(&[&["up"], words].concat())).await
    }
}

/// The flags that publish an app on the ports of another.
#[must_use]
pub fn same_ports(addresses: [SocketAddr; 3]) -> Vec<String> {
    let flags = ["--webui-port", "--rng-port", "--hasher-port"];
    let pairs = flags.into_iter().zip(addresses);
    pairs.flat_map(|(flag, address)| [flag.to_owned(), address.port().to_string()]).collect()
}

/// The program under test: built into the directory above the test programs'.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let folder = test.ancestors().nth(2).expect("tests are built into target/<profile>/deps");
    let program = folder.join("bench");
    assert!(
        program.is_file(),
        "{} is missing: these tests run the program itself; build it with `cargo build -p bench`, \
         or test the whole workspace with `cargo nextest run --workspace`, which does",
        program.display()
    );
    program
}
