//! A running `bench up`, and what its published ports say.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::Value;

use crate::http::{self, Reply};
use crate::proc_fs::Seen;
use crate::process::{Ended, Process};
use crate::wait::eventually;

/// An app in the foreground of its own process.
#[derive(Debug)]
pub struct Up {
    /// `bench up` itself.
    pub process: Process,
    /// Where webui is published.
    pub webui: SocketAddr,
    /// Where rng is published.
    pub rng: SocketAddr,
    /// Where hasher is published.
    pub hasher: SocketAddr,
}

impl Up {
    /// Reads the addresses that `process` announces.
    pub async fn start(mut process: Process) -> Self {
        let webui = announced(&mut process, "webui").await;
        let rng = announced(&mut process, "rng").await;
        let hasher = announced(&mut process, "hasher").await;
        Self { process, webui, rng, hasher }
    }

    /// The three published addresses: webui, rng, hasher.
    #[must_use]
    pub fn addresses(&self) -> [SocketAddr; 3] {
        [self.webui, self.rng, self.hasher]
    }

    /// The running replicas whose names begin with `service`.
    #[must_use]
    pub fn replicas(&self, service: &str) -> Vec<Seen> {
        let prefix = format!("{service}.");
        let children = self.process.children().into_iter();
        children.filter(|child| child.replica().starts_with(&prefix)).collect()
    }

    /// The one running replica of this name; waits for it.
    pub async fn replica(&self, name: &str) -> Seen {
        eventually(&format!("replica {name}"), async || {
            self.process.children().into_iter().find(|child| child.replica() == name)
        })
        .await
    }

    /// Waits until exactly so many replicas of `service` run.
    pub async fn has_replicas(&self, service: &str, count: usize) {
        eventually(&format!("{count} replicas of {service}"), async || {
            (self.replicas(service).len() == count).then_some(())
        })
        .await;
    }

    /// Waits until there is an answer at every published address.
    pub async fn answers(&self) {
        for address in self.addresses() {
            eventually(&format!("an answer of {address}"), async || {
                http::get(address, "/").await.ok()
            })
            .await;
        }
    }

    /// webui's answer to `path`, once there is any answer.
    pub async fn ask(&self, path: &str) -> Reply {
        eventually(&format!("webui's {path}"), async || http::get(self.webui, path).await.ok())
            .await
    }

    /// webui's good answer to `path`, as JSON.
    pub async fn json(&self, path: &str) -> Value {
        eventually(&format!("a good answer to {path}"), async || {
            let reply = http::get(self.webui, path).await.ok()?;
            (reply.status == 200).then(|| reply.json())
        })
        .await
    }

    /// The counter; 0 before the first count.
    pub async fn hashes(&self) -> u64 {
        let json = self.json("/json").await;
        json["hashes"].as_str().map_or(0, |text| text.parse().expect("hashes is a number"))
    }

    /// Waits until the counter is `more` than now.
    pub async fn goes_on(&self, more: u64) {
        let before = self.hashes().await;
        eventually(&format!("{more} hashes more"), async || {
            (self.hashes().await >= before + more).then_some(())
        })
        .await;
    }

    /// Requests answered so far by each replica of `service`, as all workers together saw it.
    pub async fn served(&self, service: &str) -> BTreeMap<String, u64> {
        let observation = self.json("/api/observation?by=worker").await;
        let counts = &observation["merged"][format!("{service}_replicas")];
        serde_json::from_value(counts.clone()).expect("counts by replica")
    }

    /// The commands by which the embedded Redis is reached, as they are printed.
    pub async fn redis_commands(&mut self) -> Vec<String> {
        // It comes after them.
        self.process.line("the hint", |line| line.starts_with("scale and measure")).await;
        let lines = self.process.lines().into_iter();
        lines.filter_map(|line| Some(line.strip_prefix("redis ")?.trim().to_owned())).collect()
    }

    /// Stops it as Ctrl-C does and waits for its end.
    pub async fn stop(self) -> Ended {
        self.process.signal(Signal::INT);
        self.process.end().await
    }
}

async fn announced(process: &mut Process, service: &str) -> SocketAddr {
    let is_announcement = |line: &str| address(line, service).is_some();
    let line = process.line(&format!("{service}'s address"), is_announcement).await;
    address(&line, service).expect("just found")
}

/// The address in a line such as `rng       http://127.0.0.1:8001/`.
fn address(line: &str, service: &str) -> Option<SocketAddr> {
    let (name, url) = line.split_once(char::is_whitespace)?;
    let address = url.trim().strip_prefix("http://")?.strip_suffix('/')?;
    (name == service).then(|| address.parse().ok())?
}
