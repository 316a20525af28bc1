//! What one client may take, and how many there may be; must stay within the limits it tries.

use crate::support::{Embedded, Server, Wire, frame};

/// On a server that takes three.
pub(crate) fn one_client_too_many(server: Server) {
    let mut wires = [(); 3].map(|()| server.connect());
    for wire in &mut wires {
        wire.expect_each(&[("PING", "+PONG\r\n")]);
    }
    for _ in 0..3 {
        let refused = String::from_utf8_lossy(&server.connect().read_to_end()).into_owned();
        assert_eq!(refused, "-ERR max number of clients reached\r\n");
    }
    let [first, mut second, _third] = wires;
    drop(first);
    // There is room again once the server has seen that the first has left.
    let joins = || {
        let mut wire = server.connect();
        wire.try_send(b"ECHO yes\r\n").ok();
        wire.read_some().starts_with(b"$3\r\nyes")
    };
    assert!((0..1000).any(|_| joins()));
    second.expect_each(&[("PING", "+PONG\r\n")]);
}

const MEBIBYTE: usize = 1024 * 1024;

/// Closed without a reply, as Redis does at the limit of its query buffer.
fn is_cut_off(wire: &mut Wire) {
    let said = String::from_utf8_lossy(&wire.read_to_end()).into_owned();
    assert!(!said.contains('-'), "{said}");
}

#[test]
fn a_request_of_many_large_arguments_is_cut_off() {
    let embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    let value = vec![b'x'; 16 * MEBIBYTE];
    wire.send(b"*100\r\n$4\r\nMSET\r\n");
    let argument = [format!("${}\r\n", value.len()).as_bytes(), &value[..], b"\r\n"].concat();
    let sent = (0..99).take_while(|_| wire.try_send(&argument).is_ok()).count();
    assert!(sent < 12, "{sent} arguments of 16 MiB were taken");
    is_cut_off(&mut wire);
    embedded.server().expect(&[("DBSIZE", ":0\r\n")]);
}

#[test]
fn a_transaction_that_queues_too_much_is_cut_off_and_not_done() {
    let embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    wire.expect_each(&[("MULTI", "+OK\r\n")]);
    let value = vec![b'x'; 8 * MEBIBYTE];
    let command = frame(&[&b"SET"[..], b"key", &value]);
    let sent = (0..99).take_while(|_| wire.try_send(&command).is_ok()).count();
    assert!(sent < 20, "{sent} commands of 8 MiB were queued");
    is_cut_off(&mut wire);
    // Small arguments weigh more than their bytes.
    let mut wire = embedded.server().connect();
    wire.expect_each(&[("MULTI", "+OK\r\n")]);
    let many = frame(&["DEL"; 1000]);
    let sent = (0..10_000).take_while(|_| wire.try_send(&many).is_ok()).count();
    assert!(sent < 4000, "{sent} commands of a thousand arguments were queued");
    is_cut_off(&mut wire);
    embedded.server().expect(&[("DBSIZE", ":0\r\n")]);
}

#[test]
fn replies_of_one_transaction_that_are_too_much_are_not_sent() {
    let embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    let value = vec![b'x'; 30 * MEBIBYTE];
    wire.send(&frame(&[&b"SET"[..], b"key", &value]));
    assert_eq!(wire.read_reply(), b"+OK\r\n");
    wire.send(&frame(&["MULTI"]));
    wire.send(&frame(&["GET", "key"]).repeat(1000));
    wire.send(b"INCR done\r\n");
    wire.send(b"EXEC\r\n");
    let said = wire.read_to_end();
    assert_eq!(said, [&b"+OK\r\n"[..], &b"+QUEUED\r\n".repeat(1001)].concat());
    // The transaction was done all the same.
    embedded.server().expect(&[("GET done", "$1\r\n1\r\n")]);
    // So it is with one command of large values.
    let mut wire = embedded.server().connect();
    wire.send(&frame(&["MGET", "key", "key", "key", "key", "key"]));
    assert_eq!(wire.read_to_end(), b"");
}

#[test]
fn lines_of_monitor_are_short() {
    let embedded = Embedded::start();
    let mut monitor = embedded.server().connect();
    monitor.expect_each(&[("MONITOR", "+OK\r\n")]);
    let value = vec![0_u8; 30 * MEBIBYTE];
    let mut wire = embedded.server().connect();
    wire.send(&frame(&[&b"SET"[..], b"key", &value]));
    wire.read_reply();
    let line = monitor.read_reply();
    assert!(line.len() < MEBIBYTE && line.ends_with(b"\"...\r\n"), "{} bytes", line.len());
}
