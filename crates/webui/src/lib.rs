//! webui: the page, and the numbers behind it read from Redis at each request. It keeps no
//! numbers of its own and writes nothing to Redis but that its observation is read, and an
//! experiment, where that is allowed.
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | 302 to `/index.html` |
//! | `GET /index.html` | the page |
//! | `GET /json`, in any case, with or without a slash behind it | `{"coins": 12, "hashes": "345", "now": 1700000000.5}`; `hashes` null before the first count |
//! | `GET /api/observation` | [`observation::Observation`]; with `?by=worker` each worker's histograms too |
//! | `GET`, `PUT`, `DELETE /api/experiment` | [`observation::Experiment`] in use, to use, or no more; 403 unless allowed |
//! | `OPTIONS` of these | 200 with `Allow` |
//! | `GET /health` | at once, JSON, whether or not Redis answers |
//! | anything else | 404 |
//!
//! Without Redis the JSON routes answer 503 `{"error": "..."}` within a second.

mod counts;
mod experiment;
mod merge;
mod report;
mod route;
mod settings;
mod store;

use std::time::Duration;

use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION};
use hyper::{Method, StatusCode};
use redis_address::RedisAddress;
use serde_json::json;
use service::hosts::Hosts;
use service::{Handler, Reply, Request, is_read, reply};

use crate::experiment::Experiments;
use crate::merge::Detail;
use crate::report::Reports;
use crate::route::Route;
use crate::store::{Store, StoreError};

pub use service::hosts::AllowedHosts;
pub use settings::Settings;
pub use store::BUDGET;

/// The methods of every route but `/api/experiment`, as express names them in `Allow`.
const METHODS: &str = "GET,HEAD";

const PAGE: &str = include_str!("index.html");

/// Everything the page needs is in the page, but for the numbers.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'";

/// The webui service.
#[derive(Debug)]
pub struct Webui {
    replica: String,
    store: Store,
    reports: Reports,
    experiments: Experiments,
    hosts: Hosts,
}

impl Webui {
    /// A webui that answers as `replica` with what the Redis at `address` holds.
    #[must_use]
    pub fn new(replica: String, address: RedisAddress) -> Self {
        let (reports, experiments) = (Reports::default(), Experiments::Refused);
        let hosts = hosts_of(&replica, AllowedHosts::default());
        Self { replica, store: Store::new(address), reports, experiments, hosts }
    }

    /// The same webui, which takes experiments under these host names, too.
    #[must_use]
    pub fn with_allowed_hosts(self, allowed: AllowedHosts) -> Self {
        Self { hosts: hosts_of(&self.replica, allowed), ..self }
    }

    /// The same webui, which takes experiments and waits for more of one's body for `patience`.
    #[must_use]
    pub fn with_experiments(self, patience: Duration) -> Self {
        Self { experiments: Experiments::Allowed { patience }, ..self }
    }

    async fn counts(&self) -> Reply {
        let counts = counts::read(&self.store).await;
        self.store.log(counts.as_ref().err());
        answer(counts.map(|counts| {
            json!({
                "coins": counts.coins,
                "hashes": counts.hashes,
                "now": counts::unix_time().as_secs_f64(),
            })
        }))
    }

    async fn observation(&self, query: Option<&str>) -> Reply {
        let detail = match query.is_some_and(|query| query.split('&').any(|p| p == "by=worker")) {
            true => Detail::Histograms,
            false => Detail::Sums,
        };
        let seen = self.reports.observe(&self.store, detail).await;
        self.store.log(seen.as_ref().err());
        answer(seen)
    }
}

impl Handler for Webui {
    async fn handle(&self, request: Request) -> Reply {
        let route = Route::of(request.uri().path());
        if route == Route::Experiment {
            return self.experiments.answer((&self.store, &self.hosts), request).await;
        }
        if request.method() == Method::OPTIONS && route != Route::Unknown {
            return reply::options(METHODS);
        }
        if !is_read(request.method()) {
            return reply::not_found();
        }
        match route {
            Route::Root => to_page(),
            Route::Page => page(),
            Route::Counts => self.counts().await,
            Route::Observation => self.observation(request.uri().query()).await,
            Route::Experiment | Route::Unknown => reply::not_found(),
        }
    }

    fn health(&self) -> serde_json::Value {
        json!({
            "service": "webui",
            "replica": self.replica,
            "version": env!("CARGO_PKG_VERSION"),
            "experiments": self.experiments != Experiments::Refused,
        })
    }
}

/// A replica goes by its own name and by that of its machine or container.
/// The name under which workers, the stack and Compose know this service.
const SERVICE: &str = "webui";

fn hosts_of(replica: &str, allowed: AllowedHosts) -> Hosts {
    Hosts::new([SERVICE, replica, &service::launch::host_name()], allowed)
}

fn answer(value: Result<impl serde::Serialize, StoreError>) -> Reply {
    let reply = match value {
        Ok(value) => reply::json(StatusCode::OK, &value),
        Err(error) => {
            reply::json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": error.to_string() }))
        }
    };
    with(reply, CACHE_CONTROL, "no-store")
}

fn page() -> Reply {
    let page = reply::bytes(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    with(page, CONTENT_SECURITY_POLICY, PAGE_POLICY)
}

fn to_page() -> Reply {
    let reply = reply::text(StatusCode::FOUND, "see /index.html\n");
    with(reply, LOCATION, "/index.html")
}

fn with(mut reply: Reply, name: HeaderName, value: &'static str) -> Reply {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
    reply
}
