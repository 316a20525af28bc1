//! The app's published ports: webui's API, and what rng and hasher say of themselves.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use observation::{Observation, Totals};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Counter, Station, Stations};
use crate::cluster::{Service, Status};
use crate::http::{Client, HttpError, LARGEST_OBSERVATION};

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

    /// Another client of the same webui.
    pub(super) fn webui_client(&self) -> Client {
        Client::any(self.webui.addresses().to_vec())
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
        let body = self.webui.get_up_to(LARGEST_OBSERVATION, path).await;
        match body.and_then(|body| parsed(&body, path)) {
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
    parsed(&client.get(path).await?, path)
}

fn parsed<T: DeserializeOwned>(body: &[u8], path: &str) -> Result<T, HttpError> {
    serde_json::from_slice(body).map_err(|error| HttpError::Body { path: path.into(), error })
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::cluster::ServiceStatus;

    /// A server that knows these paths and answers 404 to all others, one request a connection.
    async fn server(routes: &'static [(&str, &str)]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                let path = line.split(' ').nth(1).unwrap_or_default();
                let known = routes.iter().find(|(known, _)| *known == path);
                let (status, body) =
                    known.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body));
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close");
                let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
            }
        });
        address
    }

    fn status(webui: &[SocketAddr], ready: &[&str]) -> Status {
        let service = ServiceStatus {
            service: Service::Webui,
            wanted: 1,
            ready: ready.iter().map(|name| (*name).to_owned()).collect(),
            leaving: 0,
            restarts: 0,
            last_death: None,
            labels: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            states: BTreeMap::new(),
            troubles: Vec::new(),
            created_us: None,
            ready_since_us: None,
        };
        let webui = webui.to_vec();
        Status { pid: None, webui, rng: vec![], hasher: vec![], services: vec![service] }
    }

    #[tokio::test]
    async fn an_app_without_reports_is_read_by_its_counter() {
        const JSON: &[(&str, &str)] =
            &[("/json", r#"{"coins":3,"hashes":"48","now":1700000000.5}"#)];
        let webui = server(JSON).await;
        let mut app = Published::at(&[webui], &[], &[]);
        assert_eq!(app.follow(&status(&[webui], &["c1"])).await, Ok(()), "it has no name to tell");
        let seen = app.observe(true).await.unwrap();
        assert_eq!((seen.hashes, seen.coins, seen.workers.len()), (48, 3, 0));
        assert_eq!(seen.now_us, 1_700_000_000_500_000);
        assert_eq!(app.stations().await, Stations::default());
    }

    #[tokio::test]
    async fn another_app_on_the_same_port_is_not_measured() {
        let theirs = server(&[("/health", r#"{"replica":"webui.9"}"#)]).await;
        let ours = server(&[("/health", r#"{"replica":"webui.1"}"#)]).await;
        let mut app = Published::at(&[theirs], &[], &[]);
        let said = app.follow(&status(&[theirs], &["webui.1"])).await.unwrap_err();
        assert!(said.contains("webui.9, which is not of this app"), "{said}");
        assert_eq!(app.follow(&status(&[theirs, ours], &["webui.1"])).await, Ok(()));
        assert_eq!(app.webui(), format!("at {ours}, {theirs}"));
    }
}
