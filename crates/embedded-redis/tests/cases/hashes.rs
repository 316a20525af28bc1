//! Hashes; must show that an empty hash is no key.

use crate::support::{Server, frame};

pub(crate) fn writing(server: Server) {
    server.expect(&[
        ("HSET h a 1 b 2", ":2\r\n"),
        ("HSET h a 3 c 4", ":1\r\n"),
        ("HMSET h d 5", "+OK\r\n"),
        ("HSETNX h d 6", ":0\r\n"),
        ("HSETNX h e 7", ":1\r\n"),
        ("HLEN h", ":5\r\n"),
        (
            "HMGET h a b c d e f",
            "*6\r\n$1\r\n3\r\n$1\r\n2\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n7\r\n$-1\r\n",
        ),
    ]);
}

pub(crate) fn reading(server: Server) {
    server.expect(&[
        ("HGET missing f", "$-1\r\n"),
        ("HGETALL missing", "*0\r\n"),
        ("HKEYS missing", "*0\r\n"),
        ("HVALS missing", "*0\r\n"),
        ("HLEN missing", ":0\r\n"),
        ("HEXISTS missing f", ":0\r\n"),
        ("HMGET missing a b", "*2\r\n$-1\r\n$-1\r\n"),
        ("HSET h b 2 a 1", ":2\r\n"),
        ("HGET h a", "$1\r\n1\r\n"),
        ("HGET h c", "$-1\r\n"),
        ("HEXISTS h a", ":1\r\n"),
        ("HSTRLEN h a", ":1\r\n"),
        ("HGETALL h", "*4\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\na\r\n$1\r\n1\r\n"),
        ("HKEYS h", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
        ("HVALS h", "*2\r\n$1\r\n2\r\n$1\r\n1\r\n"),
    ]);
}

pub(crate) fn deleting(server: Server) {
    server.expect(&[
        ("HDEL missing f", ":0\r\n"),
        ("EXISTS missing", ":0\r\n"),
        ("HSET h a 1 b 2 c 3", ":3\r\n"),
        ("HDEL h a x a b", ":2\r\n"),
        ("HLEN h", ":1\r\n"),
        ("EXPIRE h 100", ":1\r\n"),
        ("HDEL h c", ":1\r\n"),
        ("EXISTS h", ":0\r\n"),
        ("TYPE h", "+none\r\n"),
        ("HSET h a 1", ":1\r\n"),
        ("TTL h", ":-1\r\n"),
    ]);
}

pub(crate) fn counting(server: Server) {
    server.expect(&[
        ("HINCRBY h n 5", ":5\r\n"),
        ("HINCRBY h n -7", ":-2\r\n"),
        ("HSET h text x", ":1\r\n"),
        ("HINCRBY h text 1", "-ERR hash value is not an integer\r\n"),
        ("HINCRBY h n x", "-ERR value is not an integer or out of range\r\n"),
        ("HINCRBY h max 9223372036854775807", ":9223372036854775807\r\n"),
        ("HINCRBY h max 1", "-ERR increment or decrement would overflow\r\n"),
        ("HGET h max", "$19\r\n9223372036854775807\r\n"),
        ("HINCRBY missing n x", "-ERR value is not an integer or out of range\r\n"),
        ("EXISTS missing", ":0\r\n"),
    ]);
}

/// As the worker stores its coins: 32 raw bytes under their hash.
pub(crate) fn binary(server: Server) {
    let raw: Vec<u8> = (0..32).map(|byte| byte * 8).collect();
    let mut wire = server.connect();
    wire.send(&frame(&[b"HSET", &b"wallet"[..], b"00ff", &raw]));
    assert_eq!(wire.read_reply(), b":1\r\n");
    wire.send(&frame(&[b"HSET", &b"wallet"[..], &raw, b""]));
    assert_eq!(wire.read_reply(), b":1\r\n");
    wire.send(&frame(&[b"HGET", &b"wallet"[..], b"00ff"]));
    assert_eq!(wire.read_reply(), [b"$32\r\n", &raw[..], b"\r\n"].concat());
    wire.send(&frame(&[b"HGET", &b"wallet"[..], &raw]));
    assert_eq!(wire.read_reply(), b"$0\r\n\r\n");
}
