//! Transactions; must show that all queued commands are done or none.

use crate::support::Server;

const ABORTED: &str = "-EXECABORT Transaction discarded because of previous errors.\r\n";

pub(crate) fn isolation(server: Server) {
    let mut first = server.connect();
    let mut second = server.connect();
    first.expect_each(&[
        ("MULTI", "+OK\r\n"),
        ("INCRBY n 5", "+QUEUED\r\n"),
        ("HSET h f v", "+QUEUED\r\n"),
        ("GET n", "+QUEUED\r\n"),
    ]);
    second.expect_each(&[("GET n", "$-1\r\n")]);
    first.expect_each(&[
        ("EXEC", "*3\r\n:5\r\n:1\r\n$1\r\n5\r\n"),
        ("EXEC", "-ERR EXEC without MULTI\r\n"),
        ("MULTI", "+OK\r\n"),
        ("EXEC", "*0\r\n"),
    ]);
    second.expect_each(&[("GET n", "$1\r\n5\r\n")]);
}

pub(crate) fn discard(server: Server) {
    server.expect(&[
        ("DISCARD", "-ERR DISCARD without MULTI\r\n"),
        ("MULTI", "+OK\r\n"),
        ("SET key v", "+QUEUED\r\n"),
        ("DISCARD", "+OK\r\n"),
        ("EXEC", "-ERR EXEC without MULTI\r\n"),
        ("EXISTS key", ":0\r\n"),
    ]);
}

pub(crate) fn nesting(server: Server) {
    server.expect(&[
        ("MULTI", "+OK\r\n"),
        ("MULTI", "-ERR MULTI calls can not be nested\r\n"),
        ("WATCH key", "-ERR WATCH inside MULTI is not allowed\r\n"),
        ("MONITOR", "+QUEUED\r\n"),
        ("PING", "+QUEUED\r\n"),
        ("EXEC", "*2\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n+PONG\r\n"),
    ]);
}

pub(crate) fn errors_on_queueing(server: Server) {
    server.expect(&[
        ("MULTI", "+OK\r\n"),
        ("SET key v", "+QUEUED\r\n"),
        ("FOO", "-ERR unknown command 'FOO', with args beginning with: \r\n"),
        ("EXEC", ABORTED),
        ("MULTI", "+OK\r\n"),
        ("SET key v", "+QUEUED\r\n"),
        ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
        ("EXEC", ABORTED),
        ("EXISTS key", ":0\r\n"),
        ("PING", "+PONG\r\n"),
    ]);
}

/// A command that fails while running does not stop the others.
pub(crate) fn errors_on_running(server: Server) {
    server.expect(&[
        ("MULTI", "+OK\r\n"),
        ("SET key text", "+QUEUED\r\n"),
        ("INCR key", "+QUEUED\r\n"),
        ("SET other v", "+QUEUED\r\n"),
        ("EXEC", "*3\r\n+OK\r\n-ERR value is not an integer or out of range\r\n+OK\r\n"),
        ("EXISTS key other", ":2\r\n"),
    ]);
}

pub(crate) fn watch(server: Server) {
    let mut first = server.connect();
    let mut second = server.connect();
    let changes = [
        ("SET key 2", "+OK\r\n"),
        ("DEL key", ":1\r\n"),
        ("SET key 1", "+OK\r\n"),
        ("EXPIRE key 100", ":1\r\n"),
        ("APPEND key \"\"", ":1\r\n"),
        ("FLUSHALL", "+OK\r\n"),
        ("HSET key f v", ":1\r\n"),
        ("HSET key f v", ":0\r\n"),
        ("HDEL key f", ":1\r\n"),
    ];
    first.ask("SET key 1");
    for (change, reply) in changes {
        first.expect_each(&[("WATCH other key", "+OK\r\n"), ("MULTI", "+OK\r\n")]);
        second.expect_each(&[(change, reply)]);
        first.expect_each(&[("SET done 1", "+QUEUED\r\n"), ("EXEC", "*-1\r\n")]);
    }
    for harmless in ["GET key", "HDEL key f", "PERSIST key", "SET unwatched 1", "HSETNX key f v"] {
        second.ask("DEL key");
        second.ask("HSET key f2 v f v");
        second.ask("HDEL key f");
        second.ask("HSET key f v");
        let line = if harmless == "HDEL key f" { "HDEL key missing" } else { harmless };
        first.expect_each(&[("WATCH key", "+OK\r\n"), ("MULTI", "+OK\r\n")]);
        second.ask(line);
        first.expect_each(&[("PING", "+QUEUED\r\n"), ("EXEC", "*1\r\n+PONG\r\n")]);
    }
    // Made and removed again counts as changed.
    first.expect_each(&[("WATCH missing", "+OK\r\n"), ("MULTI", "+OK\r\n")]);
    second.ask("SET missing 1");
    second.ask("DEL missing");
    first.expect_each(&[("PING", "+QUEUED\r\n"), ("EXEC", "*-1\r\n")]);
    first.expect_each(&[("WATCH key", "+OK\r\n"), ("UNWATCH", "+OK\r\n")]);
    second.ask("SET key 9");
    first.expect_each(&[("MULTI", "+OK\r\n"), ("EXEC", "*0\r\n")]);
    second.expect_each(&[("EXISTS done", ":0\r\n")]);
}
