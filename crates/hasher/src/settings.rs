//! What hasher can be told, and its start.

use std::net::SocketAddr;

use clap::Parser;
use service::launch::{Service, StartError, listen};
use service::logging::AccessLogging;
use service::settings::{Common, Listen};
use service::station::ServiceTime;
use service::{Drained, Limits, Replica, Stop};

use crate::{Bodies, Hasher};

/// hasher: SHA-256 over HTTP, twenty requests at a time.
///
/// Each setting can also be given as an environment variable, HASHER_ and the name of the flag.
#[derive(Parser, Clone, Debug)]
#[command(name = "hasher", version)]
pub struct Settings {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    access: AccessLogging,
    /// Requests worked on at a time; 0 for any number
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Station")]
    concurrency: u32,
    #[command(flatten)]
    service_time: ServiceTime,
    /// Most bytes of a body to hash; 0 for any number [bodies are never kept in memory]
    #[arg(long, value_name = "BYTES", default_value = "0", help_heading = "Limits")]
    max_body: u64,
    #[command(flatten)]
    limits: Limits,
}

impl Service for Settings {
    const NAME: &'static str = "hasher";

    fn common(&self) -> &Common {
        &self.common
    }

    fn health_address(&self) -> Option<SocketAddr> {
        Some(self.listen.socket())
    }

    async fn run(self, replica: String, stop: Stop) -> Result<Drained, StartError> {
        let listener = listen(Self::NAME, &self.listen)?;
        let bodies = Bodies {
            most: if self.max_body == 0 { u64::MAX } else { self.max_body },
            patience: self.limits.body_timeout,
        };
        let replica = Replica::new(replica, self.service_time, self.concurrency)
            .with_experiments(self.common.allow_experiments);
        let hasher = Hasher::new(replica, bodies);
        let log = self.access.open(&self.common);
        Ok(service::serve_logged(listener, hasher, self.limits, log, stop).await)
    }
}
