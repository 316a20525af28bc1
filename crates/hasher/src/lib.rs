//! hasher: SHA-256 of a request's body, twenty requests at a time. The body is hashed as it
//! arrives and before its turn in the queue, so a slow client holds up nobody and a large body
//! takes no memory.
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | `HASHER running on <replica>`, after its turn in the queue but without service time |
//! | `POST /` | the hash in lower-case hex, after one service time, and the delay the request carries where experiments are allowed; over the limit 413 |
//! | `GET /health` | at once, JSON |
//! | anything else | 404, after its turn in the queue |

mod settings;

use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, StatusCode};
use service::{BodyError, Handler, Replica, Reply, Request, is_read, next_chunk, reply};
use sha2::{Digest as _, Sha256};

pub use settings::Settings;

/// Which bodies are hashed.
#[derive(Clone, Copy, Debug)]
pub struct Bodies {
    /// Most bytes.
    pub most: u64,
    /// Longest wait for more of one.
    pub patience: Duration,
}

/// The hasher service.
#[derive(Debug)]
pub struct Hasher {
    replica: Replica,
    bodies: Bodies,
}

/// What a request asks for.
enum Route {
    Greeting,
    Hash(Incoming),
    Unknown,
}

impl Hasher {
    /// A hasher that answers as `replica`.
    #[must_use]
    pub fn new(replica: Replica, bodies: Bodies) -> Self {
        Self { replica, bodies }
    }

    async fn answer(&self, route: Route, injected: Duration) -> Reply {
        let station = self.replica.station();
        let (mut reply, timing) = match route {
            Route::Hash(body) => match self.hash(body).await {
                Ok(hash) => {
                    let timing = station.serve_longer(injected).await;
                    (reply::bytes(StatusCode::OK, "text/plain", hash), timing)
                }
                Err(error) => {
                    let timing = station.queue().await;
                    (reply::error(error.status(), error), timing)
                }
            },
            Route::Greeting => {
                let timing = station.queue().await;
                (self.replica.greeting("HASHER"), timing)
            }
            Route::Unknown => (reply::not_found(), station.queue().await),
        };
        self.replica.sign(&mut reply, timing);
        reply
    }

    async fn hash(&self, mut body: Incoming) -> Result<Bytes, BodyError> {
        let Bodies { most, patience } = self.bodies;
        let mut left = most;
        let mut hash = Sha256::new();
        while let Some(chunk) = next_chunk(&mut body, &mut left, most, patience).await? {
            hash.update(&chunk);
        }
        Ok(hex(&hash.finalize().into()))
    }
}

impl Handler for Hasher {
    fn handle(&self, request: Request) -> impl Future<Output = Reply> + Send {
        let injected = self.replica.injected(&request);
        let route = match request.uri().path() {
            "/" if request.method() == Method::POST => Route::Hash(request.into_body()),
            "/" if is_read(request.method()) => Route::Greeting,
            _ => Route::Unknown,
        };
        self.answer(route, injected)
    }

    fn health(&self) -> serde_json::Value {
        self.replica.health("hasher")
    }
}

/// Each byte as two digits. Written into a buffer of the right size, as this runs for every hash.
fn hex(hash: &[u8; 32]) -> Bytes {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    Bytes::copy_from_slice(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_in_lower_case_hex() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&Sha256::digest(b"").into()), empty);
    }
}
