//! What webui can be told, and its start.

use std::net::SocketAddr;

use clap::Parser;
use service::launch::{Service, StartError, listen};
use service::settings::{Common, Listen};
use service::{Drained, Limits, Stop};

use crate::{Address, AllowedHosts, Webui};

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
    /// Redis server to read from; redis://USER:PASSWORD@HOST:PORT/DB is understood too
    #[arg(long, value_name = "HOST[:PORT]", default_value = "redis:6379")]
    redis: Address,
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

    async fn run(self, replica: String, stop: Stop) -> Result<Drained, StartError> {
        let listener = listen(Self::NAME, &self.listen)?;
        let webui = Webui::new(replica, self.redis).with_allowed_hosts(self.allowed_hosts);
        let webui = match self.common.allow_experiments {
            true => webui.with_experiments(self.limits.body_timeout),
            false => webui,
        };
        Ok(service::serve(listener, webui, self.limits, stop).await)
    }
}
