//! Reads the app's API from inside its network, again and again, until it is told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::{Message, line};
use crate::measure::{COUNTER_PERIOD, Published, Route, probe};

/// How often the reports are read without their histograms: settling waits for them.
const BRIEF_PERIOD: Duration = Duration::from_millis(250);
/// How often they are read whole.
const WHOLE_PERIOD: Duration = Duration::from_secs(2);
/// How often names are looked up, stations asked and paths probed.
const PATHS_PERIOD: Duration = Duration::from_secs(1);

/// Where things are by name, and what is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// Name of webui's service.
    pub webui: String,
    /// Name of rng's.
    pub rng: String,
    /// Name of hasher's.
    pub hasher: String,
    /// The node this runs on, if its paths are to be probed.
    pub paths_from: Option<String>,
}

/// Reads and writes lines to `write` for as long as it is polled and `write` takes them.
///
/// # Errors
/// When `write` does.
pub async fn run(
    inside: &Inside,
    write: &mut impl FnMut(&str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let source = service::launch::host_name();
    let mut number = 0;
    let mut send = |message: &Message| {
        number += 1;
        write(&line::encode(&source, number, message))
    };
    send(&Message::Hello { version: env!("CARGO_PKG_VERSION").to_owned() })?;
    match &inside.paths_from {
        Some(node) => loop_paths(inside, node, &mut send).await,
        None => loop_app(inside, &mut send).await,
    }
}

async fn loop_app(
    inside: &Inside,
    send: &mut impl FnMut(&Message) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut app = Published::at(&[], &[], &[]);
    let mut ticks = tokio::time::interval(COUNTER_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut brief, mut whole, mut places) = (Instant::now(), Instant::now(), Instant::now());
    loop {
        let now = ticks.tick().await;
        if now >= places {
            places = now + PATHS_PERIOD;
            let (webui, rng, hasher) = tokio::join!(
                replicas(&inside.webui),
                replicas(&inside.rng),
                replicas(&inside.hasher)
            );
            app.may_be_at(&webui, &rng, &hasher);
            send(&Message::Stations(app.stations().await))?;
        }
        send(&match app.counter().await {
            Ok(counter) => Message::Counter(counter),
            Err(error) => Message::Silent(error.to_string()),
        })?;
        if now >= whole {
            whole = now + WHOLE_PERIOD;
            if let Ok(seen) = app.observe(true).await {
                send(&Message::Whole(Box::new(seen)))?;
            }
        }
        if now >= brief {
            brief = now + BRIEF_PERIOD;
            if let Ok(seen) = app.observe(false).await {
                send(&Message::Brief(Box::new(seen)))?;
            }
        }
    }
}

async fn loop_paths(
    inside: &Inside,
    node: &str,
    send: &mut impl FnMut(&Message) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut ticks = tokio::time::interval(PATHS_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let mut routes = Vec::new();
        for (service, name) in inside.probed() {
            for address in replicas(name).await {
                routes.push(Route { from: node.to_owned(), service, address, to: None });
            }
        }
        send(&Message::Paths(probe(&routes).await))?;
    }
}

impl Inside {
    fn probed(&self) -> [(crate::cluster::Service, &str); 3] {
        use crate::cluster::Service::{Hasher, Rng, Webui};
        [(Rng, &self.rng), (Hasher, &self.hasher), (Webui, &self.webui)]
    }
}

/// Addresses of a service's replicas; or the service's own, where it has no other.
async fn replicas(name: &str) -> Vec<SocketAddr> {
    let tasks = look_up(&format!("tasks.{name}")).await;
    if tasks.is_empty() { look_up(name).await } else { tasks }
}

async fn look_up(name: &str) -> Vec<SocketAddr> {
    exchange::look_up(name, 80).await.unwrap_or_default()
}
