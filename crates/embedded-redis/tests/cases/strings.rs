//! Strings; must cover every option of `SET` that the embedded server has.

use crate::support::{Server, frame};

pub(crate) fn setting(server: Server) {
    server.expect(&[
        ("GET key", "$-1\r\n"),
        ("SET key value", "+OK\r\n"),
        ("GET key", "$5\r\nvalue\r\n"),
        ("SET key \"\"", "+OK\r\n"),
        ("GET key", "$0\r\n\r\n"),
        ("STRLEN key", ":0\r\n"),
        ("STRLEN missing", ":0\r\n"),
        ("GETSET key new", "$0\r\n\r\n"),
        ("GETSET other new", "$-1\r\n"),
        ("SETNX key x", ":0\r\n"),
        ("SETNX third x", ":1\r\n"),
        ("SETEX key 100 x", "+OK\r\n"),
        ("TTL key", ":100\r\n"),
        ("PSETEX key 50000 x", "+OK\r\n"),
        ("TTL key", ":50\r\n"),
    ]);
}

pub(crate) fn set_options(server: Server) {
    let syntax = "-ERR syntax error\r\n";
    server.expect(&[
        ("SET key a XX", "$-1\r\n"),
        ("SET key a NX", "+OK\r\n"),
        ("SET key b nx", "$-1\r\n"),
        ("SET key b xx", "+OK\r\n"),
        ("SET key b NX NX", "$-1\r\n"),
        ("SET key c EX 100", "+OK\r\n"),
        ("SET key d KEEPTTL", "+OK\r\n"),
        ("TTL key", ":100\r\n"),
        ("SET key e", "+OK\r\n"),
        ("TTL key", ":-1\r\n"),
        ("SET key f PX 100000 XX", "+OK\r\n"),
        ("TTL key", ":100\r\n"),
        ("SET key g NX XX", syntax),
        ("SET key g EX", syntax),
        ("SET key g EX 1 PX 1", syntax),
        ("SET key g EX 1 KEEPTTL", syntax),
        ("SET key g WHAT", syntax),
        ("SET key g EX 0", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET key g EX -1", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET key g EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"),
        ("SET key g EX x", "-ERR value is not an integer or out of range\r\n"),
        ("GET key", "$1\r\nf\r\n"),
    ]);
}

pub(crate) fn set_with_get(server: Server) {
    server.expect(&[
        ("SET key 1 GET", "$-1\r\n"),
        ("SET key 2 GET", "$1\r\n1\r\n"),
        ("SET key 3 NX GET", "$1\r\n2\r\n"),
        ("GET key", "$1\r\n2\r\n"),
        ("SET other 1 XX GET", "$-1\r\n"),
        ("EXISTS other", ":0\r\n"),
    ]);
}

pub(crate) fn many(server: Server) {
    server.expect(&[
        ("MSET a 1 b 2 a 3", "+OK\r\n"),
        ("MGET a b missing a", "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n$1\r\n3\r\n"),
        // A key of another type is none.
        ("HSET hash f v", ":1\r\n"),
        ("MGET hash b", "*2\r\n$-1\r\n$1\r\n2\r\n"),
        ("EXPIRE a 100", ":1\r\n"),
        ("MSET a 4", "+OK\r\n"),
        ("TTL a", ":-1\r\n"),
    ]);
}

pub(crate) fn append(server: Server) {
    server.expect(&[
        ("APPEND key abc", ":3\r\n"),
        ("EXPIRE key 100", ":1\r\n"),
        ("APPEND key def", ":6\r\n"),
        ("GET key", "$6\r\nabcdef\r\n"),
        ("TTL key", ":100\r\n"),
        ("APPEND key \"\"", ":6\r\n"),
        ("STRLEN key", ":6\r\n"),
    ]);
}

pub(crate) fn binary(server: Server) {
    let value: Vec<u8> = (0..=255).collect();
    let mut wire = server.connect();
    wire.send(&frame(&[b"SET", &value[..], &value[..]]));
    assert_eq!(wire.read_reply(), b"+OK\r\n");
    wire.send(&frame(&[b"GET", &value[..]]));
    assert_eq!(wire.read_reply(), [b"$256\r\n", &value[..], b"\r\n"].concat());
}
