//! `redis-cli`, as users have it at hand; must not depend on how it formats for a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::Server;

fn command(server: Server, arguments: &[&str]) -> Command {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &server.address.port().to_string()]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn cli(server: Server, arguments: &[&str]) -> String {
    let output = command(server, arguments).output().expect(
        "cannot start redis-cli; install it with `apt-get install redis-server` (or redis-tools)",
    );
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn ping(server: Server) {
    assert_eq!(cli(server, &["PING"]), "PONG");
    assert_eq!(cli(server, &["-3", "PING", "hello"]), "hello");
}

pub(crate) fn info(server: Server) {
    let info = cli(server, &["INFO"]);
    assert!(info.contains("redis_mode:standalone") && info.contains("role:master"), "{info}");
    assert!(cli(server, &["-3", "INFO", "server"]).contains("redis_version:7."));
}

pub(crate) fn strings_and_types(server: Server) {
    assert_eq!(cli(server, &["INCRBY", "hashes", "42"]), "42");
    assert_eq!(cli(server, &["GET", "hashes"]), "42");
    assert_eq!(cli(server, &["TYPE", "hashes"]), "string");
    assert_eq!(cli(server, &["TYPE", "wallet"]), "none");
    assert_eq!(cli(server, &["--no-raw", "GET", "missing"]), "(nil)");
}

pub(crate) fn hashes(server: Server) {
    assert_eq!(cli(server, &["HSET", "wallet", "0a", "x", "0b", "y"]), "2");
    assert_eq!(cli(server, &["HLEN", "wallet"]), "2");
    assert_eq!(cli(server, &["HGETALL", "wallet"]), "0a\nx\n0b\ny");
    assert_eq!(cli(server, &["-3", "--no-raw", "HGETALL", "wallet"]).lines().count(), 2);
}

pub(crate) fn scan(server: Server) {
    let mut wire = server.connect();
    for number in 0..50 {
        wire.ask(&format!("SET key:{number} v"));
    }
    assert_eq!(cli(server, &["--scan"]).lines().count(), 50);
    assert_eq!(cli(server, &["--scan", "--pattern", "key:1?"]).lines().count(), 10);
}

pub(crate) fn monitor(server: Server) {
    let mut child = command(server, &["MONITOR"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "OK");
    server.connect().ask("SET key value");
    let line = lines.next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.ends_with(r#""SET" "key" "value""#), "{line}");
}
