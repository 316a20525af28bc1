//! Figure `load-memory`: what `bench load` holds in memory, with more connections and with more
//! requests. Nothing may be kept for each request.

use anyhow::{Context as _, ensure};

use super::client::{Client, Job};
use super::meter::{self, Run, Typed};
use super::read::Outcome;
use super::server::Server;
use super::{MEGABYTE, check_cores};
use crate::lab::Lab;
use crate::section::Section;
use crate::stats::float;

const CLIENTS: [Client; 4] = [Client::Load, Client::Wrk, Client::Oha, Client::Hey];
const CONNECTIONS: [u32; 2] = [64, 1024];
/// What it may take: this, and so much for each connection.
const MOST_MEGABYTES: f64 = 8.0;
const MOST_KILOBYTES_EACH: f64 = 20.0;
/// How much more the longer run may take.
const MOST_GROWTH_MEGABYTES: f64 = 1.0;

pub(crate) async fn make(lab: &Lab) -> anyhow::Result<Section> {
    check_cores()?;
    let mut section = Section::default();
    let server = Server::start(lab, &[]).await?;
    let port = server.address.port();
    let mut rows = Vec::new();
    for client in CLIENTS {
        let mut cells = [client.name().to_owned(), String::new(), String::new()];
        for (cell, connections) in cells[1..].iter_mut().zip(CONNECTIONS) {
            lab.note(&format!("  {} with {connections} connections", client.name()));
            let job = Job { url: server.url(), connections, seconds: 2, rate: None, timeout: None };
            let run = meter::run(lab, &client.typed(&job)).await?;
            let outcome = read(client, &run).with_context(|| client.name())?;
            let megabytes = run.peak_bytes / MEGABYTE;
            *cell = format!("{megabytes:.1} ({:.2} M)", float(outcome.requests) / 1e6);
            if client == Client::Load {
                check(&mut section, connections, megabytes);
                section.command(client.typed(&job).line(port));
            }
        }
        rows.push(cells);
    }
    let counts: [u64; 2] = lab.choose([1_000_000, 20_000_000], [100_000, 2_000_000]);
    let mut peaks = [0.0; 2];
    for (peak, count) in peaks.iter_mut().zip(counts) {
        lab.note(&format!("  {count} requests"));
        let typed = counted(&server.url(), count);
        let run = meter::run(lab, &typed).await?;
        let outcome = read(Client::Load, &run)?;
        ensure!(outcome.requests == count, "{} of {count} requests made", outcome.requests);
        *peak = run.peak_bytes / MEGABYTE;
        section.command(typed.line(port));
    }
    server.stop().await?;
    let millions = counts.map(|count| float(count) / 1e6);
    section.check(
        format!(
            "{} million requests: at most {MOST_GROWTH_MEGABYTES} MB more than {} million",
            millions[1], millions[0]
        ),
        format!("{:.2} MB, {:+.2}", peaks[1], peaks[1] - peaks[0]),
        peaks[1] - peaks[0] <= MOST_GROWTH_MEGABYTES,
    );
    section.text(
        "Most resident memory at once (`ru_maxrss`) after 2 s as fast as answers come, one thread, \
         and in brackets the requests made until then, in millions.",
    );
    section.table(["tool", "MB with 64 connections", "MB with 1024 connections"], rows);
    Ok(section)
}

fn read(client: Client, run: &Run) -> anyhow::Result<Outcome> {
    client.read(run.text()?)
}

fn check(section: &mut Section, connections: u32, megabytes: f64) {
    let most = MOST_MEGABYTES + f64::from(connections) * MOST_KILOBYTES_EACH / 1000.0;
    section.check(
        format!("{connections} connections: at most {most:.2} MB"),
        format!("{megabytes:.2} MB"),
        megabytes <= most,
    );
}

fn counted(url: &str, requests: u64) -> Typed {
    let line = format!("load --output json --threads 1 --connections 64 --requests {requests}");
    Typed::new("bench", line.split_whitespace().chain([url]))
}
