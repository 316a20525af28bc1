//! `bench up`: the app in the foreground with everyone's logs, until told to stop.

use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use bench::cluster::control;
use bench::cluster::local::{Event, LocalCluster, Setup};
use bench::cluster::{Replicas, Status};
use bench::failure::{Exit, Failure};
use tokio::sync::mpsc::{self, UnboundedReceiver};

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

/// Runs the app until `stop`.
pub(crate) async fn up(
    setup: &Setup,
    replicas: Replicas,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Exit> {
    let (events, mut happened) = mpsc::unbounded_channel();
    let cluster = Arc::new(LocalCluster::start(setup, replicas, events).await?);
    let control = control::serve(Arc::clone(&cluster));
    tokio::pin!(stop, control);
    announce(&cluster.status());
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(event) = happened.recv() => show(&event),
            ended = &mut control => {
                let reason = ended.err().map_or_else(|| "ended".to_owned(), |e| e.to_string());
                cluster.stop().await;
                return Err(Failure::Control(format!("no control socket: {reason}")).into());
            }
        }
    }
    anstream::eprintln!("stopping");
    show_while(cluster.stop(), &mut happened).await;
    Ok(Exit::Done)
}

/// Shows what still happens while everything stops.
async fn show_while(work: impl Future<Output = ()>, happened: &mut UnboundedReceiver<Event>) {
    tokio::pin!(work);
    loop {
        tokio::select! {
            () = &mut work => break,
            Some(event) = happened.recv() => show(&event),
        }
    }
    while let Ok(event) = happened.try_recv() {
        show(&event);
    }
}

fn announce(status: &Status) {
    let strong = Style::new().bold();
    for (name, address) in [("webui", status.webui), ("rng", status.rng), ("hasher", status.hasher)]
    {
        anstream::println!("{strong}{name:NAME_WIDTH$}{strong:#}http://{address}/");
    }
    anstream::println!("scale and measure it from another terminal with: bench scale --worker 10");
}

fn show(event: &Event) {
    match event {
        Event::Log { replica, line } => log(replica, line),
        Event::Ready { replica } => log(replica, "ready"),
        Event::Stopped { replica } => log(replica, "stopped"),
        Event::Died { replica, how, restart_in } => {
            let red = AnsiColor::Red.on_default().bold();
            log(replica, &format!("{red}died: {how}; again in {restart_in:.1?}{red:#}"));
        }
    }
}

fn log(replica: &str, line: &str) {
    let sum: usize = replica.bytes().map(usize::from).sum();
    let colour = COLOURS[sum % COLOURS.len()].on_default();
    anstream::println!("{colour}{replica:NAME_WIDTH$}|{colour:#} {line}");
}
