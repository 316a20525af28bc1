//! What rng can be told, and its start.

use std::net::SocketAddr;

use clap::Parser;
use service::launch::{Service, StartError, listen};
use service::logging::AccessLogging;
use service::settings::{Common, Listen};
use service::station::ServiceTime;
use service::{Drained, Limits, Replica, Stop};

use crate::Rng;

/// rng: random bytes over HTTP, one request at a time.
///
/// Each setting can also be given as an environment variable, RNG_ and the name of the flag.
#[derive(Parser, Clone, Debug)]
#[command(name = "rng", version)]
pub struct Settings {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    access: AccessLogging,
    /// Requests worked on at a time; 0 for any number
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Station")]
    concurrency: u32,
    #[command(flatten)]
    service_time: ServiceTime,
    #[command(flatten)]
    limits: Limits,
}

impl Service for Settings {
    const NAME: &'static str = "rng";

    fn common(&self) -> &Common {
        &self.common
    }

    fn health_address(&self) -> Option<SocketAddr> {
        Some(self.listen.socket())
    }

    async fn run(self, replica: String, stop: Stop) -> Result<Drained, StartError> {
        let listener = listen(Self::NAME, &self.listen)?;
        let replica = Replica::new(replica, self.service_time, self.concurrency)
            .with_experiments(self.common.allow_experiments);
        let log = self.access.open(&self.common);
        Ok(service::serve_logged(listener, Rng::new(replica), self.limits, log, stop).await)
    }
}
