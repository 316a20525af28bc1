//! Much at once; must stay within a second on two cores.

use std::io::Write;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Server, frame, pause};

pub(crate) fn long_pipeline(server: Server) {
    const COMMANDS: usize = 10_000;
    let mut wire = server.connect();
    let mut sender = wire.sender();
    let bytes = frame(&["INCR", "n"]).repeat(COMMANDS);
    let sending = std::thread::spawn(move || sender.write_all(&bytes).unwrap());
    let expected: Vec<String> = (1..=COMMANDS).map(|number| format!(":{number}\r\n")).collect();
    let expected = expected.concat();
    assert_eq!(wire.read_exactly(expected.len()), expected.as_bytes());
    sending.join().unwrap();
}

/// A client may send far more than the sockets hold before it reads the first reply.
pub(crate) fn client_that_reads_late(server: Server) {
    const COMMANDS: usize = 200;
    let value = vec![b'x'; 20_000];
    let mut wire = server.connect();
    wire.send(&frame(&[b"SET", &b"key"[..], &value]));
    wire.read_reply();
    wire.send(&frame(&["GET", "key"]).repeat(COMMANDS));
    wire.send(&frame(&[&b"ECHO"[..], &value]).repeat(COMMANDS / 2));
    pause(Duration::from_millis(20));
    let reply = [b"$20000\r\n", &value[..], b"\r\n"].concat();
    let length = reply.len() * (COMMANDS + COMMANDS / 2);
    assert!(wire.read_exactly(length).chunks(reply.len()).all(|chunk| chunk == reply));
}

pub(crate) fn large_values(server: Server) {
    let value: Vec<u8> = (0..8_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let mut wire = server.connect();
    wire.send(&frame(&[b"SET", &b"key"[..], &value]));
    assert_eq!(wire.read_reply(), b"+OK\r\n");
    wire.send(b"STRLEN key\r\n");
    assert_eq!(wire.read_reply(), b":8000000\r\n");
    wire.send(b"GET key\r\n");
    let reply = wire.read_exactly(b"$8000000\r\n\r\n".len() + value.len());
    assert!(reply[10..8_000_010] == value);
    // Many small arguments, which come in many reads.
    let words: Vec<String> = ["HSET".to_owned(), "hash".to_owned()]
        .into_iter()
        .chain((0..100_000).map(|number| number.to_string()))
        .collect();
    wire.send(&frame(&words));
    assert_eq!(wire.read_reply(), b":50000\r\n");
}

pub(crate) fn thousand_clients(server: Server) {
    const CLIENTS: usize = 1_000;
    allow_descriptors();
    let mut wires: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send(b"INCR n\r\n");
    }
    let mut replies: Vec<u64> = wires
        .iter_mut()
        .map(|wire| String::from_utf8_lossy(&wire.read_reply())[1..].trim().parse().unwrap())
        .collect();
    replies.sort_unstable();
    assert!(replies.iter().copied().eq(1..=1_000));
    let info = wires[0].ask("INFO clients");
    assert!(info.contains("connected_clients:1000\r\n"), "{info}");
}

/// Both ends of a thousand connections are more than many systems allow a process at first.
fn allow_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).unwrap();
}
