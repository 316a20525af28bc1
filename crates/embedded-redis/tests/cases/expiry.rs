//! Keys that end at a time; must not wait longer than it takes to see them gone.

use std::time::Duration;

use crate::support::{Server, pause};

pub(crate) fn time_left(server: Server) {
    let mut wire = server.connect();
    wire.expect_each(&[
        ("TTL key", ":-2\r\n"),
        ("PTTL key", ":-2\r\n"),
        ("EXPIRE key 100", ":0\r\n"),
        ("SET key v", "+OK\r\n"),
        ("TTL key", ":-1\r\n"),
        ("PTTL key", ":-1\r\n"),
        ("EXPIRE key 100", ":1\r\n"),
        ("TTL key", ":100\r\n"),
        ("PEXPIRE key 1600", ":1\r\n"),
        ("TTL key", ":2\r\n"),
    ]);
    let left: i64 = wire.ask("PTTL key")[1..].trim().parse().unwrap();
    assert!((1..=1600).contains(&left), "{left}");
    wire.expect_each(&[
        ("EXPIRE key 0", ":1\r\n"),
        ("EXISTS key", ":0\r\n"),
        ("SET key v", "+OK\r\n"),
        ("PEXPIRE key -5", ":1\r\n"),
        ("EXISTS key", ":0\r\n"),
    ]);
}

pub(crate) fn expired_keys_are_gone(server: Server) {
    server.expect(&[
        ("SET key v PX 40", "+OK\r\n"),
        ("HSET hash f v", ":1\r\n"),
        ("PEXPIRE hash 40", ":1\r\n"),
        ("SET stays v", "+OK\r\n"),
        ("EXISTS key hash stays", ":3\r\n"),
    ]);
    pause(Duration::from_millis(60));
    server.expect(&[
        ("GET key", "$-1\r\n"),
        ("HGETALL hash", "*0\r\n"),
        ("EXISTS key hash stays", ":1\r\n"),
        ("TYPE key", "+none\r\n"),
        ("KEYS *", "*1\r\n$5\r\nstays\r\n"),
        ("SET key new NX", "+OK\r\n"),
        ("TTL key", ":-1\r\n"),
        ("INCR hash", ":1\r\n"),
    ]);
}

pub(crate) fn kept_and_cleared(server: Server) {
    server.expect(&[
        ("HSET hash f v", ":1\r\n"),
        ("EXPIRE hash 100", ":1\r\n"),
        ("HSET hash g w", ":1\r\n"),
        ("TTL hash", ":100\r\n"),
        ("PERSIST hash", ":1\r\n"),
        ("PERSIST hash", ":0\r\n"),
        ("PERSIST missing", ":0\r\n"),
        ("TTL hash", ":-1\r\n"),
        ("EXPIRE hash 100", ":1\r\n"),
        ("SET hash v", "+OK\r\n"),
        ("TTL hash", ":-1\r\n"),
        ("EXPIRE hash 100", ":1\r\n"),
        ("DEL hash", ":1\r\n"),
        ("SET hash v", "+OK\r\n"),
        ("TTL hash", ":-1\r\n"),
    ]);
}

pub(crate) fn conditions(server: Server) {
    server.expect(&[
        ("SET key v", "+OK\r\n"),
        ("EXPIRE key 10 XX", ":0\r\n"),
        ("EXPIRE key 10 GT", ":0\r\n"),
        ("EXPIRE key 10 LT", ":1\r\n"),
        ("EXPIRE key 5 GT", ":0\r\n"),
        ("EXPIRE key 20 GT", ":1\r\n"),
        ("EXPIRE key 30 LT", ":0\r\n"),
        ("EXPIRE key 30 NX", ":0\r\n"),
        ("EXPIRE key 30 XX", ":1\r\n"),
        ("TTL key", ":30\r\n"),
        ("EXPIRE key 40 XX GT", ":1\r\n"),
        ("EXPIRE key -1 GT", ":0\r\n"),
        (
            "EXPIRE key 10 NX XX",
            "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n",
        ),
        ("EXPIRE key 10 GT LT", "-ERR GT and LT options at the same time are not compatible\r\n"),
        ("EXPIRE key 10 WHAT", "-ERR Unsupported option WHAT\r\n"),
        ("PERSIST key", ":1\r\n"),
        ("EXPIRE key 10 NX", ":1\r\n"),
    ]);
}

pub(crate) fn invalid_times(server: Server) {
    let not_an_integer = "-ERR value is not an integer or out of range\r\n";
    server.expect(&[
        ("SET key v", "+OK\r\n"),
        ("EXPIRE key x", not_an_integer),
        ("EXPIRE missing x", not_an_integer),
        ("EXPIRE key 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"),
        ("EXPIRE key -9223372036854775808", "-ERR invalid expire time in 'expire' command\r\n"),
        ("PEXPIRE key 9223372036854775807", "-ERR invalid expire time in 'pexpire' command\r\n"),
        ("SETEX key 0 v", "-ERR invalid expire time in 'setex' command\r\n"),
        ("SETEX key x v", not_an_integer),
        ("PSETEX key -1 v", "-ERR invalid expire time in 'psetex' command\r\n"),
        ("TTL key", ":-1\r\n"),
    ]);
}
