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

pub(crate) fn inspecting(server: Server) {
    let long = "x".repeat(45);
    let mut wire = server.connect();
    wire.ask(&format!("SET long {long}"));
    wire.ask(&format!("HSET wide f {long}{long}"));
    wire.expect_each(&[
        ("MSET text hello shared 123 large 10000 negative -1", "+OK\r\n"),
        ("HSET hash f v", ":1\r\n"),
        ("OBJECT ENCODING text", "$6\r\nembstr\r\n"),
        ("OBJECT ENCODING shared", "$3\r\nint\r\n"),
        ("object encoding long", "$3\r\nraw\r\n"),
        ("OBJECT ENCODING hash", "$8\r\nlistpack\r\n"),
        ("OBJECT ENCODING wide", "$9\r\nhashtable\r\n"),
        ("OBJECT ENCODING missing", "$-1\r\n"),
        ("OBJECT REFCOUNT text", ":1\r\n"),
        ("OBJECT REFCOUNT shared", ":2147483647\r\n"),
        ("OBJECT REFCOUNT large", ":1\r\n"),
        ("OBJECT REFCOUNT negative", ":1\r\n"),
        ("OBJECT REFCOUNT missing", "$-1\r\n"),
        ("OBJECT IDLETIME text", ":0\r\n"),
        ("OBJECT IDLETIME missing", "$-1\r\n"),
        (
            "OBJECT FREQ text",
            "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
             note that when switching between policies at runtime LRU and LFU data will take some \
             time to adjust.\r\n",
        ),
        ("OBJECT FREQ missing", "$-1\r\n"),
        ("OBJECT NONSENSE text", "-ERR unknown subcommand 'NONSENSE'. Try OBJECT HELP.\r\n"),
        ("OBJECT", "-ERR wrong number of arguments for 'object' command\r\n"),
        ("OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command\r\n"),
        ("MEMORY USAGE missing", "$-1\r\n"),
        ("MEMORY USAGE text SAMPLES x", "-ERR value is not an integer or out of range\r\n"),
        ("MEMORY USAGE text SAMPLES -1", "-ERR syntax error\r\n"),
        ("MEMORY USAGE text NONSENSE", "-ERR syntax error\r\n"),
        ("MEMORY PURGE", "+OK\r\n"),
    ]);
    let bytes = |wire: &mut crate::support::Wire, line: &str| -> usize {
        wire.ask(line).strip_prefix(':').unwrap().trim_end().parse().unwrap()
    };
    let small = bytes(&mut wire, "MEMORY USAGE text");
    assert!(small > 5 && bytes(&mut wire, "MEMORY USAGE long SAMPLES 5") > small);
    assert!(wire.ask("OBJECT HELP").starts_with("*15\r\n+OBJECT <subcommand>"));
    assert!(wire.ask("MEMORY HELP").contains("+USAGE <key> [SAMPLES <count>]\r\n"));
    assert!(wire.ask("MEMORY STATS").contains("keys.count"));
    assert!(wire.ask("MEMORY DOCTOR").starts_with('$'));
}
