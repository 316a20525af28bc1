//! Version 3 of the protocol; must compare what differs from version 2.

use crate::support::Server;

pub(crate) fn maps_and_nulls(server: Server) {
    let mut wire = server.connect();
    assert!(wire.ask("HELLO 3").starts_with("%7\r\n"));
    wire.expect_each(&[
        ("GET missing", "_\r\n"),
        ("HSET h a 1 b 2", ":2\r\n"),
        ("HGETALL h", "%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"),
        ("HGETALL missing", "%0\r\n"),
        ("HMGET h a c", "*2\r\n$1\r\n1\r\n_\r\n"),
        ("MGET missing", "*1\r\n_\r\n"),
        ("SET key v XX", "_\r\n"),
        ("CONFIG GET no-such-setting", "%0\r\n"),
        ("COMMAND DOCS no-such-command", "%0\r\n"),
        ("CLIENT GETNAME", "_\r\n"),
        ("HKEYS h", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
        ("FOO", "-ERR unknown command 'FOO', with args beginning with: \r\n"),
        ("PING", "+PONG\r\n"),
    ]);
    let info = wire.ask("INFO keyspace");
    assert!(info.starts_with('=') && info.contains("\r\ntxt:# Keyspace\r\n"), "{info}");
    assert!(wire.ask("CLIENT LIST").starts_with('='));
}

pub(crate) fn scans_and_times(server: Server) {
    let mut wire = server.connect();
    wire.ask("HELLO 3");
    wire.expect_each(&[
        ("SCAN 0", "*2\r\n$1\r\n0\r\n*0\r\n"),
        ("WATCH key", "+OK\r\n"),
        ("SET key v", "+OK\r\n"),
        ("MULTI", "+OK\r\n"),
        ("EXEC", "_\r\n"),
        ("MULTI", "+OK\r\n"),
        ("HGETALL missing", "+QUEUED\r\n"),
        ("EXEC", "*1\r\n%0\r\n"),
    ]);
    assert!(wire.ask("TIME").starts_with("*2\r\n$10\r\n"));
}

pub(crate) fn downgrade(server: Server) {
    let mut wire = server.connect();
    wire.ask("HELLO 3");
    wire.expect_each(&[("GET missing", "_\r\n")]);
    assert!(wire.ask("HELLO 2").starts_with("*14\r\n"));
    wire.expect_each(&[("GET missing", "$-1\r\n"), ("HGETALL missing", "*0\r\n")]);
}
