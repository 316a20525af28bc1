//! What webui can be told, and its start.

use std::net::SocketAddr;

use clap::Parser;
use redis_address::RedisSettings;
use service::launch::{Service, StartError, listen};
use service::settings::{Common, Listen};
use service::{Drained, Limits, Stop};

use crate::{AllowedHosts, Webui};

/// webui: the page of DockerCoins and the numbers behind it.
///
/// Each setting can also be given as an environment variable, WEBUI_ and the name of the flag.
#[derive(Parser, Clone, Debug)]
#[command(name = "webui", version)]
pub struct Settings {
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    redis: RedisSettings,
    /// Host names under which experiments may be asked for, a comma between them, besides IP
    /// addresses, localhost and webui's own names
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    allowed_hosts: AllowedHosts,
    #[command(flatten)]
    limits: Limits,
}

impl Service for Settings {
    const NAME: &'static str = "webui";

    fn common(&self) -> &Common {
        &self.common
    }

    fn health_address(&self) -> Option<SocketAddr> {
        Some(self.listen.socket())
    }

    async fn run(mut self, replica: String, stop: Stop) -> Result<Drained, StartError> {
        let logged_in = self.redis.log_in(Self::NAME);
        logged_in.map_err(|error| StartError::Setting(error.to_string()))?;
        let listener = listen(Self::NAME, &self.listen)?;
        let webui = Webui::new(replica, self.redis.server().clone());
        let webui = webui.with_allowed_hosts(self.allowed_hosts);
        let webui = match self.common.allow_experiments {
            true => webui.with_experiments(self.limits.body_timeout),
            false => webui,
        };
        Ok(service::serve(listener, webui, self.limits, stop).await)
    }
}
