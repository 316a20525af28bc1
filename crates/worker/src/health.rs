//! What a worker says at `/health`, the only route it has: that its loops have a turn, and how far
//! they have come. Whether rng, hasher or Redis answer must not decide its health: starting a
//! worker again would bring none of them back, and would lose what it holds for Redis.

use std::sync::Arc;
use std::time::Duration;

use service::{Handler, Limits, Reply, Request, reply};

use crate::tally::Tally;

/// Answers for the loops of this process.
#[derive(Debug)]
pub(crate) struct Health {
    replica: String,
    tally: Arc<Tally>,
    experiments: bool,
}

impl Health {
    pub(crate) fn new(replica: String, tally: Arc<Tally>, experiments: bool) -> Self {
        Self { replica, tally, experiments }
    }
}

/// Limits for a port on which only probes are expected.
pub(crate) fn limits() -> Limits {
    Limits {
        max_connections: 64,
        header_timeout: Duration::from_secs(5),
        drain_timeout: Duration::from_secs(1),
        ..Limits::default()
    }
}

impl Handler for Health {
    async fn handle(&self, _: Request) -> Reply {
        reply::not_found()
    }

    fn health(&self) -> serde_json::Value {
        let age = self.tally.last_loop().map(|at| at.elapsed().as_millis());
        let totals = self.tally.totals();
        serde_json::json!({
            "service": "worker",
            "replica": self.replica,
            "version": env!("CARGO_PKG_VERSION"),
            "experiments": self.experiments,
            "loops": totals.loops,
            "last_loop_age_ms": age.map(|age| u64::try_from(age).unwrap_or(u64::MAX)),
            "errors": totals.errors,
        })
    }
}
