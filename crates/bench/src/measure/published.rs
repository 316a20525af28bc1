//! The app's published ports: webui's API, and what rng and hasher say of themselves.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use observation::{Observation, Totals};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Counter, Station, Stations};
use crate::cluster::{Service, Status};
use crate::http::{Client, HttpError};

/// How often rng and hasher are asked for their stations before they count as not telling.
const STATION_ATTEMPTS: u32 = 3;

/// The published ports.
#[derive(Debug)]
pub struct Published {
    webui: Client,
    rng: Client,
    hasher: Client,
}

/// webui's `/json`, as the original app answers it.
#[derive(Deserialize)]
struct Json {
    coins: u64,
    hashes: Option<String>,
    now: f64,
}

/// What a replica says at `/health`.
#[derive(Deserialize)]
struct Health {
    replica: Option<String>,
    station: Option<Station>,
}

impl Published {
    /// The ports at these addresses, for each service the likeliest first.
    #[must_use]
    pub fn at(webui: &[SocketAddr], rng: &[SocketAddr], hasher: &[SocketAddr]) -> Self {
        let client = |addresses: &[SocketAddr]| Client::any(addresses.to_vec());
        Self { webui: client(webui), rng: client(rng), hasher: client(hasher) }
    }

    /// Takes over new addresses.
    pub fn may_be_at(&mut self, webui: &[SocketAddr], rng: &[SocketAddr], hasher: &[SocketAddr]) {
        self.webui.may_be_at(webui);
        self.rng.may_be_at(rng);
        self.hasher.may_be_at(hasher);
    }

    /// Takes over new addresses, and sees that this app's own webui answers there.
    pub(super) async fn follow(&mut self, status: &Status) -> Result<(), String> {
        self.may_be_at(&status.webui, &status.rng, &status.hasher);
        if status.webui.is_empty() {
            return Err(String::from("webui publishes no port"));
        }
        let Some(service) = status.service(Service::Webui) else { return Ok(()) };
        identify(&mut self.webui, &service.ready).await
    }

    pub(super) fn webui(&self) -> String {
        self.webui.to_string()
    }

    /// All reports; with their histograms if `whole`. An app without reports, as the original is,
    /// has none: the counter is all there is.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn observe(&mut self, whole: bool) -> Result<Observation, HttpError> {
        let path = if whole { "/api/observation?by=worker" } else { "/api/observation" };
        match read(&mut self.webui, path).await {
            Err(HttpError::Status { status: StatusCode::NOT_FOUND, .. }) => {
                let counter = self.counter().await?;
                Ok(Observation {
                    schema_version: observation::SCHEMA_VERSION,
                    now_us: counter.now_us,
                    hashes: counter.hashes,
                    coins: counter.coins,
                    merged: Totals::default(),
                    workers: Vec::new(),
                })
            }
            seen => seen,
        }
    }

    /// The counter.
    ///
    /// # Errors
    /// When webui has no good answer.
    pub async fn counter(&mut self) -> Result<Counter, HttpError> {
        let json: Json = read(&mut self.webui, "/json").await?;
        let hashes = json.hashes.as_deref().unwrap_or("0").parse().unwrap_or(0);
        let now = Duration::try_from_secs_f64(json.now).unwrap_or_default();
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        Ok(Counter { now_us, hashes, coins: json.coins })
    }

    /// What the stations say of themselves; one that does not say is left out.
    pub async fn stations(&mut self) -> Stations {
        Stations { rng: station(&mut self.rng).await, hasher: station(&mut self.hasher).await }
    }
}

/// Tries one address after the other until one of the replicas called `names` answers. What has
/// no name, as the original app, is taken as it is.
async fn identify(client: &mut Client, names: &[String]) -> Result<(), String> {
    let mut reason = String::from("no address");
    for _ in 0..client.addresses().len() {
        match read::<Health>(client, "/health").await {
            Ok(Health { replica: Some(replica), .. }) if !names.contains(&replica) => {
                reason = format!("{replica}, which is not of this app, answers");
            }
            Ok(_) | Err(HttpError::Status { .. } | HttpError::Body { .. }) => return Ok(()),
            Err(error) => reason = error.to_string(),
        }
        client.next_address();
    }
    Err(format!("webui {client} cannot be reached: {reason}"))
}

async fn read<T: DeserializeOwned>(client: &mut Client, path: &str) -> Result<T, HttpError> {
    let body = client.get(path).await?;
    serde_json::from_slice(&body).map_err(|error| HttpError::Body { path: path.into(), error })
}

async fn station(client: &mut Client) -> Option<Station> {
    for _ in 0..STATION_ATTEMPTS {
        match read::<Health>(client, "/health").await {
            Ok(health) => return health.station,
            Err(_) => client.next_address(),
        }
    }
    None
}
