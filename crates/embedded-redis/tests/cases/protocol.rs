//! Bytes on the wire, right and wrong; must see to it that a server survives all of them.

use std::time::Duration;

use crate::support::{Server, frame, pause};

/// Sends the bytes over a new connection; all that comes until the server closes it.
fn closed_after(server: Server, bytes: &[u8]) -> String {
    let mut wire = server.connect();
    // The server may close before all of it is sent.
    wire.try_send(bytes).ok();
    String::from_utf8_lossy(&wire.read_to_end()).into_owned()
}

pub(crate) fn garbage(server: Server) {
    let cases: [(&[u8], &str); 12] = [
        (b"*x\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"* 1\r\n", "invalid multibulk length"),
        (b"*+1\r\n$4\r\nPING\r\n", "invalid multibulk length"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (b"*1\r\n\r\n", "expected '$', got ' '"),
        (b"*1\r\n*1\r\n", "expected '$', got '*'"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"PING \"\r\n", "unbalanced quotes in request"),
        (b"PING 'a\r\n", "unbalanced quotes in request"),
        (b"PING \"a\"b\r\n", "unbalanced quotes in request"),
    ];
    for (bytes, problem) in cases {
        let expected = format!("-ERR Protocol error: {problem}\r\n");
        assert_eq!(closed_after(server, bytes), expected, "{bytes:?}");
    }
    // What was right before is still answered.
    assert_eq!(
        closed_after(server, b"PING\r\n*1\r\n$4\r\nPING\r\n*x\r\nPING\r\n"),
        "+PONG\r\n+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"
    );
}

/// No answer is expected to nonsense; that the server goes on answering others is.
pub(crate) fn random_bytes(server: Server) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..50 {
        let bytes: Vec<u8> = (0..2000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect();
        let mut wire = server.connect();
        wire.try_send(&bytes).ok();
    }
    server.expect(&[("PING", "+PONG\r\n")]);
}

pub(crate) fn claimed_lengths(server: Server) {
    for bytes in [&b"*2147483648\r\n"[..], b"*9223372036854775808\r\n"] {
        let expected = "-ERR Protocol error: invalid multibulk length\r\n";
        assert_eq!(closed_after(server, bytes), expected);
    }
    for bytes in [&b"*1\r\n$536870913\r\n"[..], b"*1\r\n$9223372036854775807\r\n"] {
        assert_eq!(closed_after(server, bytes), "-ERR Protocol error: invalid bulk length\r\n");
    }
    // The largest that both servers accept: they wait for it, and serve others meanwhile.
    let mut waiting: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for wire in &mut waiting {
        wire.send(b"*1048576\r\n$67108864\r\nabc");
    }
    server.expect(&[("PING", "+PONG\r\n")]);
}

pub(crate) fn limits(server: Server) {
    let long = "1".repeat(70_000);
    for (bytes, problem) in [
        (long.clone(), "too big inline request"),
        (format!("*{long}"), "too big mbulk count string"),
        (format!("*1\r\n${long}"), "too big bulk count string"),
    ] {
        let expected = format!("-ERR Protocol error: {problem}\r\n");
        assert_eq!(closed_after(server, bytes.as_bytes()), expected);
    }
    let line = "x".repeat(60_000);
    let expected = format!("$60000\r\n{line}\r\n");
    server.expect(&[(format!("ECHO {line}").as_str(), &expected)]);
}

pub(crate) fn empty_requests(server: Server) {
    let mut wire = server.connect();
    wire.send(b"\r\n\r\n*0\r\n*-1\r\n  \r\nPING\r\n");
    assert_eq!(wire.read_reply(), b"+PONG\r\n");
    // The two bytes after an argument are skipped, whatever they are.
    wire.send(b"*1\r\n$4\r\nPINGxxPING\r\n");
    assert_eq!(wire.read_exactly(14), b"+PONG\r\n+PONG\r\n");
    wire.send(b"*1\r\n$0\r\n\r\n");
    let unknown = "-ERR unknown command '', with args beginning with: \r\n";
    assert_eq!(wire.read_reply(), unknown.as_bytes());
}

pub(crate) fn inline_requests(server: Server) {
    server.expect(&[
        ("  set\tkey   'a b'  ", "+OK\r\n"),
        ("GET key", "$3\r\na b\r\n"),
        (r#"SET key "\x41\n\t\q""#, "+OK\r\n"),
        ("GET key", "$4\r\nA\n\tq\r\n"),
        (r"SET key 'it\'s'", "+OK\r\n"),
        ("GET key", "$4\r\nit's\r\n"),
    ]);
    let mut wire = server.connect();
    wire.send(b"PING\nPING x\n");
    assert_eq!(wire.read_exactly(14), b"+PONG\r\n$1\r\nx\r\n");
}

/// A request that arrives in two parts, wherever it is cut, is the same request.
pub(crate) fn split_anywhere(server: Server) {
    let request = [frame(&["SET", "key", "\r\n$1\r\n"]), b"GET key\r\n".to_vec()].concat();
    let expected = b"+OK\r\n$6\r\n\r\n$1\r\n\r\n";
    let mut wires: Vec<_> = (1..request.len()).map(|cut| (cut, server.connect())).collect();
    for (cut, wire) in &mut wires {
        wire.send(&request[..*cut]);
    }
    // Long enough for the first parts to be read apart from the second ones.
    pause(Duration::from_millis(20));
    for (cut, wire) in &mut wires {
        wire.send(&request[*cut..]);
    }
    for (cut, wire) in &mut wires {
        assert_eq!(wire.read_exactly(expected.len()), expected, "cut at {cut}");
    }
    let mut wire = server.connect();
    for byte in &request {
        wire.send(&[*byte]);
    }
    assert_eq!(wire.read_exactly(expected.len()), expected);
}

/// `printf 'PING\r\n' | nc` closes its side at once and still gets the reply.
pub(crate) fn half_closed(server: Server) {
    let mut wire = server.connect();
    wire.send(b"SET key value\r\nGET key\r\n*1\r\n$4\r\nPI");
    pause(Duration::from_millis(20));
    wire.finish_sending();
    assert_eq!(wire.read_to_end(), b"+OK\r\n$5\r\nvalue\r\n");
}
