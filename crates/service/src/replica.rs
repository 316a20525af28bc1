//! One replica of a service with a station: the name and the station that its answers report.

use std::num::NonZeroU32;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use crate::station::{ServiceTime, Station, Timing};
use crate::{Reply, injection, reply};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const X_REPLICA: HeaderName = HeaderName::from_static("x-replica");

/// A replica's name and station.
#[derive(Debug)]
pub struct Replica {
    name: String,
    name_header: HeaderValue,
    station: Station,
    experiments: bool,
}

impl Replica {
    /// A replica called `name`, working on `concurrency` requests at a time (0: any number).
    #[must_use]
    pub fn new(name: String, service_time: ServiceTime, concurrency: u32) -> Self {
        let name_header =
            HeaderValue::from_str(&name).unwrap_or_else(|_| HeaderValue::from_static("unnamed"));
        let station = Station::new(service_time, NonZeroU32::new(concurrency));
        Self { name, name_header, station, experiments: false }
    }

    /// The same replica, which obeys the delays that requests carry if experiments are `allowed`.
    #[must_use]
    pub fn with_experiments(self, allowed: bool) -> Self {
        Self { experiments: allowed, ..self }
    }

    /// What a request with these headers adds to its service time: zero unless experiments are
    /// allowed and the header is right (see [`injection`]).
    #[must_use]
    pub fn injected(&self, headers: &HeaderMap) -> Duration {
        match self.experiments {
            true => injection::delay(headers).unwrap_or_default(),
            false => Duration::ZERO,
        }
    }

    /// The station every request passes.
    #[must_use]
    pub fn station(&self) -> &Station {
        &self.station
    }

    /// Adds the headers that say how long the request queued and was served, and where.
    pub fn sign(&self, reply: &mut Reply, timing: Timing) {
        let headers = reply.headers_mut();
        headers.insert(SERVER_TIMING, timing.header());
        headers.insert(X_REPLICA, self.name_header.clone());
    }

    /// The answer to `GET /`: `<SERVICE> running on <name>`.
    #[must_use]
    pub fn greeting(&self, service: &str) -> Reply {
        reply::text(StatusCode::OK, format!("{service} running on {}\n", self.name))
    }

    /// What `/health` tells.
    #[must_use]
    pub fn health(&self, service: &str) -> serde_json::Value {
        serde_json::json!({
            "service": service,
            "replica": self.name,
            "version": env!("CARGO_PKG_VERSION"),
            "station": self.station.describe(),
            "experiments": self.experiments,
        })
    }
}
