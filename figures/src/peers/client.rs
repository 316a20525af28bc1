//! The load generators: how each is told the same job, and who reads what it says.

use super::meter::Typed;
use super::read::{Outcome, hey, load, oha, wrk};

const LOAD: &str = "load --output json --threads 1";
const OHA: &str = "--no-tui --output-format json";

/// A load generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// `bench load`.
    Load,
    /// `bench load` with the client it uses where its own one cannot serve.
    LoadHyper,
    Wrk,
    Oha,
    Hey,
}

/// What it is to do.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) url: String,
    pub(super) connections: u32,
    pub(super) seconds: u32,
    /// Requests a second; as fast as answers come when there is none.
    pub(super) rate: Option<u32>,
    /// Seconds after which a request has failed; each tool's own where there is none.
    pub(super) timeout: Option<u32>,
}

impl Client {
    /// As its row is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Load => "bench load",
            Self::LoadHyper => "bench load --client hyper",
            Self::Wrk => "wrk",
            Self::Oha => "oha",
            Self::Hey => "hey",
        }
    }

    /// The command line for a job. Each has one thread: it is pinned to one core.
    pub(super) fn typed(self, job: &Job) -> Typed {
        let Job { url, connections, seconds, rate, timeout } = job;
        let (program, line) = match self {
            Self::Load | Self::LoadHyper => {
                ("bench", format!("{LOAD} --connections {connections} --duration {seconds}s"))
            }
            Self::Wrk => ("wrk", format!("-t1 -c{connections} -d{seconds}s --latency")),
            Self::Oha => ("oha", format!("{OHA} -c {connections} -z {seconds}s")),
            Self::Hey => ("hey", format!("-cpus 1 -c {connections} -z {seconds}s")),
        };
        let paced = rate.map_or(String::new(), |rate| self.paced(rate, *connections));
        let limited = timeout.map_or(String::new(), |limit| self.limited(limit));
        let words = line.split_whitespace().chain(paced.split_whitespace());
        let words = words.chain(limited.split_whitespace());
        let hyper: &[&str] = if self == Self::LoadHyper { &["--client", "hyper"] } else { &[] };
        Typed::new(program, words.chain(hyper.iter().copied()).chain([url.as_str()]))
    }

    fn paced(self, rate: u32, connections: u32) -> String {
        match self {
            Self::Load | Self::LoadHyper => format!("--rate {rate}"),
            // It knows no rate.
            Self::Wrk => String::new(),
            Self::Oha => format!("-q {rate} --latency-correction"),
            // It wants the rate of one connection.
            Self::Hey => format!("-q {}", f64::from(rate) / f64::from(connections)),
        }
    }

    fn limited(self, seconds: u32) -> String {
        match self {
            Self::Load | Self::LoadHyper | Self::Wrk => format!("--timeout {seconds}s"),
            Self::Oha => format!("-t {seconds}s"),
            Self::Hey => format!("-t {seconds}"),
        }
    }

    /// What it said of its run.
    pub(super) fn read(self, text: &str) -> anyhow::Result<Outcome> {
        match self {
            Self::Load | Self::LoadHyper => load::read(text),
            Self::Wrk => wrk::read(text),
            Self::Oha => oha::read(text),
            Self::Hey => hey::read(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(client: Client, rate: Option<u32>) -> String {
        let url = "http://127.0.0.1:8080/".to_owned();
        let job = Job { url, connections: 16, seconds: 10, rate, timeout: Some(2) };
        client.typed(&job).line(8080)
    }

    #[test]
    fn each_is_told_the_job_in_its_own_words() {
        let url = "http://127.0.0.1:PORT/";
        let hey = format!("taskset -c 1 hey -cpus 1 -c 16 -z 10s -q 62.5 -t 2 {url}");
        assert_eq!(line(Client::Hey, Some(1000)), hey);
        let wrk = format!("taskset -c 1 wrk -t1 -c16 -d10s --latency --timeout 2s {url}");
        assert_eq!(line(Client::Wrk, None), wrk);
        assert!(line(Client::Oha, Some(1000)).contains(" -q 1000 --latency-correction "));
        assert!(!line(Client::Oha, None).contains("--latency-correction"));
        assert!(line(Client::Load, Some(1000)).contains(" --rate 1000 "));
        assert!(line(Client::LoadHyper, None).contains(" --client hyper "));
    }
}
