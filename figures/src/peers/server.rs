//! The server that every tool here is pointed at: `peers/server.c`, which always says the same and
//! has a core of its own.

use std::net::SocketAddr;

use tokio::process::Command;

use super::{SERVER_CORE, tools};
use crate::lab::Lab;
use crate::procfs;
use crate::running::Running;

/// A server that answers; killed when dropped.
pub(super) struct Server {
    running: Running,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts one with `arguments` of its own, on a free port.
    pub(super) async fn start(lab: &Lab, arguments: &[String]) -> anyhow::Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(tools::find(lab, "server")?).args(arguments);
        let mut running = Running::start("server", command)?;
        let address = running.address().await?;
        Ok(Self { running, address })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Seconds of CPU it has used so far.
    pub(super) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        procfs::cpu_seconds(self.running.pid())
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }
}
