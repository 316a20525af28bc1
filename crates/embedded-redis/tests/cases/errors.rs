//! Errors that any command can meet, in Redis's words; must compare whole lines.

use crate::support::{Server, frame};

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

pub(crate) fn unknown_commands(server: Server) {
    server.expect(&[
        ("FOO a b", "-ERR unknown command 'FOO', with args beginning with: 'a' 'b' \r\n"),
        ("foo", "-ERR unknown command 'foo', with args beginning with: \r\n"),
        ("\"\" a", "-ERR unknown command '', with args beginning with: 'a' \r\n"),
        (r#"FOO "a\r\nb""#, "-ERR unknown command 'FOO', with args beginning with: 'a  b' \r\n"),
        ("CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"),
        ("CONFIG foo", "-ERR unknown subcommand 'foo'. Try CONFIG HELP.\r\n"),
    ]);
    let mut wire = server.connect();
    wire.send(&frame(&["x".repeat(200), "y".repeat(100), "z".repeat(100), "w".to_owned()]));
    let expected = format!(
        "-ERR unknown command '{}', with args beginning with: '{}' '{}' \r\n",
        "x".repeat(128),
        "y".repeat(100),
        "z".repeat(25),
    );
    assert_eq!(String::from_utf8_lossy(&wire.read_reply()), expected);
}

pub(crate) fn arity(server: Server) {
    let cases = [
        ("GET", "get"),
        ("GET a b", "get"),
        ("SET a", "set"),
        ("INCR", "incr"),
        ("MSET a", "mset"),
        ("MSET a b c", "mset"),
        ("HSET a b", "hset"),
        ("HSET a b c d", "hset"),
        ("HMSET a b c d", "hmset"),
        ("HGETALL", "hgetall"),
        ("HINCRBY a b", "hincrby"),
        ("EXPIRE a", "expire"),
        ("TTL", "ttl"),
        ("DEL", "del"),
        ("ECHO", "echo"),
        ("SELECT", "select"),
        ("KEYS", "keys"),
        ("SCAN", "scan"),
        ("CLIENT", "client"),
        ("CLIENT SETNAME", "client|setname"),
        ("CONFIG", "config"),
        ("CONFIG GET", "config|get"),
        ("WATCH", "watch"),
        ("MULTI x", "multi"),
        ("RESET x", "reset"),
        ("DBSIZE x", "dbsize"),
    ];
    let mut wire = server.connect();
    for (line, name) in cases {
        let expected = format!("-ERR wrong number of arguments for '{name}' command\r\n");
        assert_eq!(wire.ask(line), expected, "{line}");
    }
}

pub(crate) fn wrong_type(server: Server) {
    let mut wire = server.connect();
    wire.expect_each(&[("SET string v", "+OK\r\n"), ("HSET hash f v", ":1\r\n")]);
    for line in [
        "HSET string f v",
        "HSETNX string f v",
        "HMSET string f v",
        "HGET string f",
        "HMGET string f",
        "HGETALL string",
        "HLEN string",
        "HDEL string f",
        "HEXISTS string f",
        "HKEYS string",
        "HVALS string",
        "HINCRBY string f 1",
        "HSCAN string 0",
        "GET hash",
        "APPEND hash x",
        "STRLEN hash",
        "INCR hash",
        "DECRBY hash 2",
        "GETSET hash x",
        "SET hash x GET",
    ] {
        assert_eq!(wire.ask(line), WRONG_TYPE, "{line}");
    }
    wire.expect_each(&[
        ("MGET string hash missing", "*3\r\n$1\r\nv\r\n$-1\r\n$-1\r\n"),
        ("HGETALL hash", "*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
        ("SET hash x", "+OK\r\n"),
        ("GET hash", "$1\r\nx\r\n"),
    ]);
}

/// What a browser sends must not be taken for commands.
pub(crate) fn http(server: Server) {
    for request in [
        &b"POST / HTTP/1.1\r\nContent-Length: 16\r\n\r\nSET evil done\r\n"[..],
        b"PUT / HTTP/1.1\r\nHost: localhost\r\n\r\nSET evil done\r\n",
    ] {
        let mut wire = server.connect();
        wire.send(request);
        wire.read_to_end();
    }
    server.expect(&[("EXISTS evil", ":0\r\n")]);
}
