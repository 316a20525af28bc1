//! `bench up`: the app in the foreground with everyone's logs, until told to stop.

use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use bench::cluster::control;
use bench::cluster::local::{Access, Event, LocalCluster, Setup};
use bench::cluster::{Replicas, Status};
use bench::failure::{Exit, Failure};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::interrupts::Interrupts;
use crate::printer::Printer;

const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::BrightRed,
];
/// Width of the names before the logs: `worker.10` and a space.
const NAME_WIDTH: usize = 10;

/// Runs the app until it is interrupted.
pub(crate) async fn up(
    setup: &Setup,
    replicas: Replicas,
    interrupts: Interrupts,
) -> anyhow::Result<Exit> {
    let (events, happened) = mpsc::unbounded_channel();
    let cluster = Arc::new(LocalCluster::start(setup, replicas, events).await?);
    let mut log = Log { printer: Printer::new(anstream::stdout()), happened };
    log.announce(&cluster.status(), cluster.redis_access());
    let control = control::serve(Arc::clone(&cluster));
    let ended = log
        .show_while(async {
            tokio::select! {
                () = interrupts.nth(1) => Ok(Exit::Done),
                ended = control => {
                    let why = ended.err().map_or_else(|| "it ended".to_owned(), |e| e.to_string());
                    Err(Failure::Control(format!("no control socket: {why}")))
                }
            }
        })
        .await;
    // Nobody can scale any more: the control socket went with its future.
    log.printer.write("stopping; once more to kill what still runs\n".to_owned());
    log.show_while(async {
        tokio::select! {
            () = cluster.stop() => {}
            () = interrupts.nth(2) => {} // dropping a replica kills it
        }
    })
    .await;
    let written = log.printer.close();
    let exit = ended?;
    written.context("cannot print the logs")?;
    Ok(exit)
}

/// The logs of everyone, each line with its replica's name.
struct Log {
    printer: Printer,
    happened: UnboundedReceiver<Event>,
}

impl Log {
    /// Shows what happens while `work` goes on, and what it leaves to show.
    async fn show_while<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                Some(event) = self.happened.recv() => self.show(&event),
            }
        };
        while let Ok(event) = self.happened.try_recv() {
            self.show(&event);
        }
        done
    }

    fn announce(&mut self, status: &Status, redis: &[Access]) {
        let strong = Style::new().bold();
        for (name, address) in
            [("webui", &status.webui), ("rng", &status.rng), ("hasher", &status.hasher)]
        {
            let Some(address) = address.first() else { continue };
            let line = format!("{strong}{name:NAME_WIDTH$}{strong:#}http://{address}/\n");
            self.printer.write(line);
        }
        for access in redis {
            self.printer.write(format!("{strong}{:NAME_WIDTH$}{strong:#}{access}\n", "redis"));
        }
        let hint = "scale and measure it from another terminal with: bench scale --worker 10\n";
        self.printer.write(hint.to_owned());
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Log { replica, line } => self.line(replica, line),
            Event::Ready { replica } => self.line(replica, "ready"),
            Event::Stopped { replica } => self.line(replica, "stopped"),
            Event::Died { replica, how, restart_in } => {
                let red = AnsiColor::Red.on_default().bold();
                let death = format!("{red}died: {how}; again in {restart_in:.1?}{red:#}");
                self.line(replica, &death);
            }
            Event::OverLimit { service, connections, limit } => {
                let over = format!(
                    "over its limit of {limit} connections (--max-connections): {connections} more \
                     got 503"
                );
                self.line(service.name(), &over);
            }
            Event::CannotAccept { service, reason } => {
                self.line(service.name(), &format!("cannot accept connections: {reason}"));
            }
        }
    }

    fn line(&mut self, replica: &str, text: &str) {
        let sum: usize = replica.bytes().map(usize::from).sum();
        let colour = COLOURS[sum % COLOURS.len()].on_default();
        self.printer.write(format!("{colour}{replica:NAME_WIDTH$}|{colour:#} {text}\n"));
    }
}
