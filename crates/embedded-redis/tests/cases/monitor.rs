//! `MONITOR`; must not compare the times it prints.

use crate::support::{Server, Wire};

/// The next line, from the address on and without the port.
fn next(wire: &mut Wire) -> String {
    let line = String::from_utf8_lossy(&wire.read_reply()).into_owned();
    let (time, rest) = line.split_once(" [0 127.0.0.1:").unwrap();
    assert!(time.starts_with('+') && time[1..].parse::<f64>().is_ok(), "{line}");
    rest.split_once("] ").unwrap().1.to_owned()
}

pub(crate) fn order_and_quoting(server: Server) {
    let mut monitor = server.connect();
    monitor.expect_each(&[("MONITOR", "+OK\r\n")]);
    let mut wire = server.connect();
    for line in [
        "ping",
        "FOO",
        "GET",
        r#"SET key "a\"b\\\n\x00\xff""#,
        "MULTI",
        "INCR n",
        "CONFIG GET x",
        "EXEC",
        "CLIENT ID",
    ] {
        wire.ask(line);
    }
    let expected = [
        "\"ping\"\r\n",
        "\"SET\" \"key\" \"a\\\"b\\\\\\n\\x00\\xff\"\r\n",
        "\"MULTI\"\r\n",
        "\"INCR\" \"n\"\r\n",
        "\"EXEC\"\r\n",
        "\"CLIENT\" \"ID\"\r\n",
    ];
    for line in expected {
        assert_eq!(next(&mut monitor), line);
    }
}

pub(crate) fn databases(server: Server) {
    let mut monitor = server.connect();
    monitor.expect_each(&[("MONITOR", "+OK\r\n")]);
    let mut wire = server.connect();
    wire.ask("SELECT 3");
    wire.ask("GET key");
    // The selection itself is shown with what it has selected.
    for database in ["[3 ", "[3 "] {
        let line = String::from_utf8_lossy(&monitor.read_reply()).into_owned();
        assert!(line.contains(database), "{line}");
    }
}

pub(crate) fn until_reset(server: Server) {
    let mut monitor = server.connect();
    let mut wire = server.connect();
    monitor.expect_each(&[("MONITOR", "+OK\r\n")]);
    wire.ask("SET key v");
    assert_eq!(next(&mut monitor), "\"SET\" \"key\" \"v\"\r\n");
    monitor.expect_each(&[("RESET", "+RESET\r\n")]);
    wire.ask("SET key v");
    monitor.expect_each(&[("PING", "+PONG\r\n")]);
}
