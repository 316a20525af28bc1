//! rng: random bytes, one request at a time. It is the app's bottleneck by design: every request
//! but `/health` passes one station, first come first served over all connections.
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | `RNG running on <replica>`, after its turn in the queue but without service time |
//! | `GET /<n>` | n random bytes after one service time, and the delay the request carries where experiments are allowed; over 32 MiB 413 |
//! | `GET /health` | at once, JSON |
//! | anything else | 404, after its turn in the queue |

mod random;
mod settings;

use std::time::Duration;

use hyper::StatusCode;
use service::{Handler, Replica, Reply, Request, is_read, reply};

pub use settings::Settings;

/// Most bytes one request may ask for.
pub const MOST_BYTES: u64 = 32 << 20;

/// The rng service.
#[derive(Debug)]
pub struct Rng {
    replica: Replica,
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Greeting,
    Bytes(u64),
    TooMany,
    Unknown,
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
        let route = match is_read(request.method()) {
            true => route(request.uri().path()),
            false => Route::Unknown,
        };
        self.answer(route, self.replica.injected(request.headers()))
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
            Route::Unknown => reply::not_found(),
        };
        self.replica.sign(&mut reply, timing);
        reply
    }
}

fn route(path: &str) -> Route {
    let Some(name) = path.strip_prefix('/') else {
        return Route::Unknown;
    };
    if name.is_empty() {
        return Route::Greeting;
    }
    if !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Route::Unknown;
    }
    // All digits: a number that does not even fit is one too large, not an unknown path.
    match name.parse() {
        Ok(count) if count <= MOST_BYTES => Route::Bytes(count),
        _ => Route::TooMany,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decimal_numbers_or_unknown() {
        assert_eq!(route("/"), Route::Greeting);
        assert_eq!(route("/0"), Route::Bytes(0));
        assert_eq!(route("/032"), Route::Bytes(32));
        assert_eq!(route("/33554432"), Route::Bytes(MOST_BYTES));
        assert_eq!(route("/33554433"), Route::TooMany);
        assert_eq!(route("/99999999999999999999999999"), Route::TooMany);
        for path in ["*", "/abc", "/-1", "/+1", "/32/", "/ 32", "/1e3", "/٣"] {
            assert_eq!(route(path), Route::Unknown, "{path}");
        }
    }
}
