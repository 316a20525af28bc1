//! One replica of a service with a station: the name and the station that its answers report.

use std::num::NonZeroU32;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, StatusCode};

use crate::hosts::{AllowedHosts, Hosts};
use crate::launch::host_name;
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
    hosts: Hosts,
}

/// The names under which workers, the stack and Compose know the services with a station.
const SERVICES: [&str; 2] = ["rng", "hasher"];

impl Replica {
    /// A replica called `name`, working on `concurrency` requests at a time (0: any number).
    #[must_use]
    pub fn new(name: String, service_time: ServiceTime, concurrency: u32) -> Self {
        let name_header =
            HeaderValue::from_str(&name).unwrap_or_else(|_| HeaderValue::from_static("unnamed"));
        let station = Station::new(service_time, NonZeroU32::new(concurrency));
        let names = [SERVICES[0], SERVICES[1], &name, &host_name()];
        let hosts = Hosts::new(names, AllowedHosts::default());
        Self { name, name_header, station, experiments: false, hosts }
    }

    /// The same replica, which obeys the delays that requests carry if experiments are `allowed`.
    #[must_use]
    pub fn with_experiments(self, allowed: bool) -> Self {
        Self { experiments: allowed, ..self }
    }

    /// What this request adds to its service time: zero unless experiments are allowed, the header is
    /// right (see [`injection`]), and the request names this server as its host, which one from a page
    /// of another site does not (see [`Hosts`]). Workers name an IP address.
    #[must_use]
    pub fn injected<B>(&self, request: &Request<B>) -> Duration {
        let delay = injection::delay(request.headers()).filter(|_| self.experiments);
        delay.filter(|_| self.hosts.check(request).is_ok()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_obeyed_only_from_whom_names_this_server() {
        let replica = Replica::new("rng.1".to_owned(), ServiceTime::fixed(Duration::ZERO), 1);
        let injected = |replica: &Replica, name: &str, value: &str| {
            let mut request = Request::get("/32").header(injection::HEADER, "1500");
            for (name, value) in [("host", "10.0.0.1:80"), (name, value)] {
                if let Some(headers) = request.headers_mut() {
                    headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
                }
            }
            replica.injected(&request.body(()).unwrap())
        };
        assert_eq!(injected(&replica, "host", "rng"), Duration::ZERO, "experiments are off");
        let replica = replica.with_experiments(true);
        for host in ["rng", "tasks.rng:80", "Hasher.", "rng.1", "localhost:8001", "[::1]:8001"] {
            assert_eq!(injected(&replica, "host", host), Duration::from_micros(1500), "{host}");
        }
        for host in ["evil.example", "evil.example:8001", "127.0.0.1.evil.example", ""] {
            assert_eq!(injected(&replica, "host", host), Duration::ZERO, "{host}");
        }
        assert_eq!(injected(&replica, "origin", "http://evil.example"), Duration::ZERO);
        assert_eq!(injected(&replica, "origin", "http://10.0.0.1"), Duration::from_micros(1500));
    }
}
