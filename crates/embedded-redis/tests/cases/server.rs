//! What the server says of itself; must look only at what tools look at.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::Server;

pub(crate) fn info(server: Server) {
    let mut wire = server.connect();
    wire.ask("SET a 1");
    wire.ask("SET b 1 EX 100");
    let info = wire.ask("INFO");
    for line in [
        "# Server\r\n",
        "\r\nredis_version:7.",
        "\r\nredis_mode:standalone\r\n",
        "\r\nuptime_in_seconds:",
        "\r\n# Clients\r\n",
        "\r\nconnected_clients:1\r\n",
        "\r\n# Memory\r\n",
        "\r\nused_memory:",
        "\r\n# Stats\r\n",
        "\r\ntotal_commands_processed:",
        "\r\n# Replication\r\n",
        "\r\nrole:master\r\n",
        "\r\n# Keyspace\r\n",
        "\r\ndb0:keys=2,expires=1,avg_ttl=",
    ] {
        assert!(info.contains(line), "{line:?} is missing in {info}");
    }
    let section = wire.ask("INFO Replication");
    assert!(section.contains("\r\n# Replication\r\nrole:master\r\n"), "{section}");
    assert!(!section.contains("# Server"), "{section}");
    assert!(wire.ask("INFO all").contains("# Keyspace"));
    assert!(wire.ask("INFO server clients").contains("\r\n\r\n# Clients\r\n"));
    wire.ask("FLUSHALL");
    wire.expect_each(&[
        ("INFO nosuch", "$0\r\n\r\n"),
        ("INFO keyspace", "$12\r\n# Keyspace\r\n\r\n"),
    ]);
}

pub(crate) fn time(server: Server) {
    let reply = server.connect().ask("TIME");
    let lines: Vec<&str> = reply.split("\r\n").collect();
    let seconds: u64 = lines[2].parse().unwrap();
    let microseconds: u64 = lines[4].parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(seconds) <= 2 && microseconds < 1_000_000, "{reply}");
}

pub(crate) fn command_and_config(server: Server) {
    let mut wire = server.connect();
    assert!(wire.ask("COMMAND").starts_with('*'));
    assert!(wire.ask("COMMAND COUNT").starts_with(':'));
    wire.expect_each(&[
        ("COMMAND DOCS no-such-command", "*0\r\n"),
        ("COMMAND INFO no-such-command", "*1\r\n$-1\r\n"),
        ("COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n"),
        ("CONFIG GET no-such-setting", "*0\r\n"),
    ]);
}

pub(crate) fn saving(server: Server) {
    let mut wire = server.connect();
    let last = |wire: &mut crate::support::Wire| -> u64 {
        wire.ask("LASTSAVE").strip_prefix(':').unwrap().trim_end().parse().unwrap()
    };
    let start = last(&mut wire);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(start) < 60, "{start} at {now}");
    wire.expect_each(&[
        ("SAVE now", "-ERR wrong number of arguments for 'save' command\r\n"),
        ("BGSAVE NOW", "-ERR syntax error\r\n"),
        ("SAVE", "+OK\r\n"),
        ("BGSAVE", "+Background saving started\r\n"),
    ]);
    assert!(last(&mut wire) >= start);
}
