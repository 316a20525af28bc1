//! Keys whatever they hold; must not depend on the order in which `KEYS` lists them.

use crate::support::Server;

pub(crate) fn types(server: Server) {
    server.expect(&[
        ("TYPE key", "+none\r\n"),
        ("SET key v", "+OK\r\n"),
        ("TYPE key", "+string\r\n"),
        ("HSET hash f v", ":1\r\n"),
        ("TYPE hash", "+hash\r\n"),
        ("EXISTS key hash missing key", ":3\r\n"),
    ]);
}

pub(crate) fn deleting(server: Server) {
    server.expect(&[
        ("MSET a 1 b 2 c 3", "+OK\r\n"),
        ("DEL a missing a", ":1\r\n"),
        ("UNLINK b c", ":2\r\n"),
        ("DBSIZE", ":0\r\n"),
    ]);
}

pub(crate) fn database(server: Server) {
    server.expect(&[
        ("DBSIZE", ":0\r\n"),
        ("MSET a 1 b 2", "+OK\r\n"),
        ("HSET h f v", ":1\r\n"),
        ("DBSIZE", ":3\r\n"),
        ("FLUSHDB what", "-ERR syntax error\r\n"),
        ("FLUSHDB", "+OK\r\n"),
        ("DBSIZE", ":0\r\n"),
        ("SET a 1 EX 100", "+OK\r\n"),
        ("FLUSHALL ASYNC", "+OK\r\n"),
        ("TTL a", ":-2\r\n"),
        ("FLUSHALL SYNC", "+OK\r\n"),
    ]);
}

pub(crate) fn matching(server: Server) {
    let mut wire = server.connect();
    let names = ["hello", "hallo", "hbllo", "hllo", "heeello", "a*b", "axb", "h[llo", "Hello"];
    for name in names {
        wire.ask(&format!("SET {name} v"));
    }
    let mut keys = |pattern: &str| {
        let reply = wire.ask(&format!("KEYS {pattern}"));
        let mut keys: Vec<String> =
            reply.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
        keys.sort();
        keys.retain(|key| !key.is_empty());
        keys
    };
    assert_eq!(keys("*").len(), names.len());
    assert_eq!(keys("h?llo"), ["h[llo", "hallo", "hbllo", "hello"]);
    assert_eq!(keys("h*llo"), ["h[llo", "hallo", "hbllo", "heeello", "hello", "hllo"]);
    assert_eq!(keys("h[ae]llo"), ["hallo", "hello"]);
    assert_eq!(keys("h[^e]llo"), ["h[llo", "hallo", "hbllo"]);
    assert_eq!(keys("h[b-a]llo"), ["hallo", "hbllo"]);
    assert_eq!(keys(r"a\*b"), ["a*b"]);
    assert_eq!(keys(r"h\[llo"), ["h[llo"]);
    assert_eq!(keys("hello"), ["hello"]);
    assert_eq!(keys("nothing*"), Vec::<String>::new());
    assert_eq!(keys("h[ae"), Vec::<String>::new());
}
