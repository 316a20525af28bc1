//! What a worker can be told, and its start and stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use redis_address::RedisSettings;
use service::launch::{Service, StartError, listen_on};
use service::settings::{Common, duration, positive_duration};
use service::stop::Reason;
use service::{Drained, Stop};

use crate::connection::Patience;
use crate::cycle::Worker;
use crate::health::{self, Health};
use crate::policy::Policy;
use crate::targets::Targets;
use crate::work_log::WorkLogging;

/// worker: asks rng for bytes, has hasher hash them, and counts in Redis.
///
/// Each setting can also be given as an environment variable, WORKER_ and the name of the flag.
#[derive(Parser, Clone, Debug)]
#[command(name = "worker", version)]
pub struct Settings {
    /// Where rng is: NAME[:PORT] (its tasks.NAME first), IP:PORT[,IP:PORT...], or @FILE with one
    /// IP:PORT a line; looked up again each second
    #[arg(long, value_name = "TARGETS", default_value = "rng")]
    pub(crate) rng: Targets,
    /// Where hasher is, likewise
    #[arg(long, value_name = "TARGETS", default_value = "hasher")]
    pub(crate) hasher: Targets,
    #[command(flatten)]
    pub(crate) redis: RedisSettings,
    /// How requests are spread over replicas
    #[arg(long, value_name = "NAME", default_value = "round-robin")]
    pub(crate) policy: Policy,
    /// Loops to run at a time in this process
    #[arg(long, value_name = "N", default_value = "1",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) virtual_workers: u32,
    /// Wait at the start of each loop; 0 for none
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(crate) think_time: Duration,
    /// Random bytes to ask rng for
    #[arg(long, value_name = "N", default_value = "32",
          value_parser = clap::value_parser!(u32).range(..=33_554_432))]
    pub(crate) bytes: u32,
    /// How often loops are added to the count in Redis, at the start of a loop
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = positive_duration)]
    pub(crate) flush_interval: Duration,
    /// How long the report in Redis outlives the worker
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = positive_duration)]
    pub(crate) report_ttl: Duration,
    /// Longest wait for a connection to a replica
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = positive_duration)]
    pub(crate) connect_timeout: Duration,
    /// Longest wait for an answer, its time in the queue included
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = positive_duration)]
    pub(crate) request_timeout: Duration,
    /// Longest wait for Redis, before it counts as away
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = positive_duration)]
    pub(crate) redis_timeout: Duration,
    /// Port to answer /health on, on every address; 0 lets the system choose [default: none]
    #[arg(long, value_name = "PORT")]
    pub(crate) health_port: Option<u16>,
    /// Log about once a second how many units of work were counted in Redis: true, false, or @FILE
    /// that holds one of them and is read for each line
    #[arg(long, value_name = "BOOL|@FILE", default_value = "true", default_missing_value = "true",
          action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true)]
    pub(crate) work_log: WorkLogging,
    #[command(flatten)]
    pub(crate) common: Common,
}

impl Settings {
    pub(crate) fn patience(&self) -> Patience {
        Patience { connect: self.connect_timeout, request: self.request_timeout }
    }
}

impl Service for Settings {
    const NAME: &'static str = "worker";

    fn common(&self) -> &Common {
        &self.common
    }

    fn health_address(&self) -> Option<SocketAddr> {
        self.health_port.map(|port| (Ipv4Addr::UNSPECIFIED, port).into())
    }

    async fn run(mut self, replica: String, mut stop: Stop) -> Result<Drained, StartError> {
        let logged_in = self.redis.log_in(Self::NAME);
        logged_in.map_err(|error| StartError::Setting(error.to_string()))?;
        let listen = |address| listen_on(Self::NAME, address, "--health-port");
        let listener = self.health_address().map(listen).transpose()?;
        let worker = Arc::new(Worker::new(&self, replica.clone()));
        if let Some(listener) = listener {
            let tally = Arc::clone(worker.tally());
            let health = Health::new(replica, tally, self.common.allow_experiments);
            // Not waited for at the stop: who asks for health then has the answer.
            tokio::spawn(service::serve(listener, health, health::limits(), stop.clone()));
        }
        let mut running = worker.start();
        let reason = stop.wait().await;
        running.shutdown().await; // ends every loop where it stands
        let patience = match reason {
            Reason::Asked => Duration::from_secs(3),
            Reason::ParentGone => Duration::from_millis(300),
        };
        Ok(match worker.settle_accounts(patience).await {
            true => Drained::Clean,
            false => Drained::CutOff,
        })
    }
}
