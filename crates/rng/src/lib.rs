//! rng: random bytes, one request at a time. It is the app's bottleneck by design: every request
//! but `/health` passes one station, first come first served over all connections.
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | `RNG running on <replica>`, after its turn in the queue but without service time |
//! | `GET /<n>` | n random bytes after one service time, and the delay the request carries where experiments are allowed; over 1 GiB 413 |
//! | `OPTIONS` of both | 200 with `Allow`, after its turn in the queue |
//! | another method on both | 405 with `Allow`, after its turn in the queue |
//! | `GET /health` | at once, JSON |
//! | anything else | 404, after its turn in the queue |
//!
//! Paths are read as Flask reads them in the original app: `%31` is `1`, and any number of slashes
//! may come first.

mod random;
mod route;
mod settings;

use std::time::Duration;

use hyper::StatusCode;
use service::{Handler, Replica, Reply, Request, reply};

use crate::route::{METHODS, Route};

pub use route::MOST_BYTES;
pub use settings::Settings;

/// The rng service.
#[derive(Debug)]
pub struct Rng {
    replica: Replica,
}

impl Rng {
    /// An rng that answers as `replica`.
    #[must_use]
    pub fn new(replica: Replica) -> Self {
        Self { replica }
    }
}

impl Handler for Rng {
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send {
        let route = Route::of(request.method(), request.uri().path());
        self.answer(route, self.replica.injected(&request))
    }

    fn health(&self) -> serde_json::Value {
        self.replica.health("rng")
    }
}

impl Rng {
    async fn answer(&self, route: Route, injected: Duration) -> Reply {
        let timing = match route {
            Route::Bytes(_) => self.replica.station().serve_longer(injected).await,
            _ => self.replica.station().queue().await,
        };
        let mut reply = match route {
            Route::Greeting => self.replica.greeting("RNG"),
            Route::Bytes(count) => random::reply(count),
            Route::TooMany => reply::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                format_args!("at most {MOST_BYTES} bytes at a time"),
            ),
            Route::Options => reply::options(METHODS),
            Route::WrongMethod => reply::method_not_allowed(METHODS),
            Route::Unknown => reply::not_found(),
        };
        self.replica.sign(&mut reply, timing);
        reply
    }
}
