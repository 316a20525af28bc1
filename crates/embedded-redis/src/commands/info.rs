//! `INFO`: what tools and exporters ask a Redis about itself; must not report what is not known.

use std::fmt::Display;

use bytes::Bytes;

use super::table::Command;
use super::{Context, Outcome};
use crate::reply::Reply;
use crate::store::DATABASES;

pub(super) const COMMANDS: &[Command] = &[Command::new("info", -1, info)];

/// The version whose behaviour the contract suite holds this server to.
pub(super) const VERSION: &str = "7.0.15";

type Section = (&'static str, fn(&Context<'_>) -> Vec<(&'static str, String)>);

const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients),
    ("Memory", memory),
    ("Stats", statistics),
    ("Replication", replication),
    ("Keyspace", keyspace),
];

fn info(context: &mut Context<'_>, request: &[Bytes]) -> Outcome {
    let wanted = |name: &str| {
        let names = |word: &Bytes| {
            [name, "all", "default", "everything"]
                .iter()
                .any(|it| word.eq_ignore_ascii_case(it.as_bytes()))
        };
        request.len() == 1 || request[1..].iter().any(names)
    };
    let sections = SECTIONS.iter().filter(|(name, _)| wanted(name));
    let texts: Vec<String> = sections
        .map(|(name, lines)| {
            let lines = lines(context);
            let lines = lines.iter().map(|(key, value)| format!("{key}:{value}\r\n"));
            format!("# {name}\r\n{}", lines.collect::<String>())
        })
        .collect();
    Ok(Reply::Text(texts.join("\r\n")))
}

fn line(key: &'static str, value: impl Display) -> (&'static str, String) {
    (key, value.to_string())
}

fn server(context: &Context<'_>) -> Vec<(&'static str, String)> {
    let uptime = context.store.now().saturating_duration_since(context.server.started).as_secs();
    vec![
        line("redis_version", VERSION),
        line("redis_mode", "standalone"),
        line("os", std::env::consts::OS),
        line("arch_bits", usize::BITS),
        line("process_id", std::process::id()),
        line("tcp_port", context.server.port),
        line("uptime_in_seconds", uptime),
        line("uptime_in_days", uptime / 86_400),
    ]
}

fn clients(context: &Context<'_>) -> Vec<(&'static str, String)> {
    vec![line("connected_clients", context.server.clients.len()), line("blocked_clients", 0)]
}

fn memory(context: &Context<'_>) -> Vec<(&'static str, String)> {
    vec![line("used_memory", context.store.bytes()), line("maxmemory", 0)]
}

fn statistics(context: &Context<'_>) -> Vec<(&'static str, String)> {
    vec![
        line("total_connections_received", context.server.clients.total()),
        line("total_commands_processed", context.server.commands),
        line("expired_keys", context.store.expired()),
        line("evicted_keys", 0),
    ]
}

fn replication(_: &Context<'_>) -> Vec<(&'static str, String)> {
    vec![line("role", "master"), line("connected_slaves", 0)]
}

/// An empty database is not listed.
fn keyspace(context: &Context<'_>) -> Vec<(&'static str, String)> {
    const NAMES: [&str; DATABASES] = [
        "db0", "db1", "db2", "db3", "db4", "db5", "db6", "db7", "db8", "db9", "db10", "db11",
        "db12", "db13", "db14", "db15",
    ];
    let sizes = NAMES.iter().zip(context.store.sizes()).filter(|(_, (keys, _))| *keys > 0);
    sizes
        .map(|(name, (keys, expires))| {
            line(name, format!("keys={keys},expires={expires},avg_ttl=0"))
        })
        .collect()
}
