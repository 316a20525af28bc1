//! The service under test: just enough routes to see what `serve` does around a handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hyper::StatusCode;
use service::{Handler, Limits, Reply, Request, next_chunk, reply};
use tokio::sync::Semaphore;

/// Most bytes of a body.
pub(crate) const MOST: u64 = 1000;

/// `GET /` greets, `GET /gate` waits until the gate opens, `POST /` counts the body's bytes.
#[derive(Clone)]
pub(crate) struct Toy {
    pub(crate) gate: Arc<Semaphore>,
    waiting: Arc<AtomicU32>,
    patience: Duration,
}

struct Waiting(Arc<AtomicU32>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Toy {
    pub(crate) fn new() -> Self {
        Self {
            gate: Arc::new(Semaphore::new(0)),
            waiting: Arc::default(),
            patience: Duration::from_millis(100),
        }
    }

    /// Waits until so many requests stand at the gate.
    pub(crate) async fn sees(&self, waiting: u32) {
        let all = async {
            while self.waiting.load(Ordering::SeqCst) != waiting {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(crate::PATIENCE, all).await.unwrap();
    }

    async fn count(&self, request: Request) -> Reply {
        let (mut body, mut left, mut count) = (request.into_body(), MOST, 0);
        loop {
            match next_chunk(&mut body, &mut left, MOST, self.patience).await {
                Ok(Some(chunk)) => count += chunk.len(),
                Ok(None) => return reply::text(StatusCode::OK, count.to_string()),
                Err(error) => return reply::error(error.status(), error),
            }
        }
    }
}

impl Handler for Toy {
    async fn handle(&self, request: Request) -> Reply {
        match (request.method().as_str(), request.uri().path()) {
            ("GET" | "HEAD", "/") => reply::text(StatusCode::OK, "hello\n"),
            ("GET", "/gate") => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                let _waiting = Waiting(Arc::clone(&self.waiting));
                self.gate.acquire().await.unwrap().forget();
                reply::text(StatusCode::OK, "through\n")
            }
            ("POST", "/") => self.count(request).await,
            _ => reply::not_found(),
        }
    }

    fn health(&self) -> serde_json::Value {
        serde_json::json!({ "service": "toy" })
    }
}

/// Limits short enough for a test.
pub(crate) fn limits() -> Limits {
    Limits { header_timeout: Duration::from_millis(150), ..Limits::default() }
}
