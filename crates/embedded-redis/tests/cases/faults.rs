//! The faults of the embedded server; must show that none is left once it is cleared.

use std::time::{Duration, SystemTime};

use redis::{Client, Commands};

use crate::support::{Embedded, frame};

#[test]
fn a_dropped_reply_is_to_a_command_that_was_done() {
    let embedded = Embedded::start();
    embedded.faults().drop_replies(1);
    let mut wire = embedded.server().connect();
    wire.send(b"INCRBY hashes 5\r\n");
    assert_eq!(wire.read_to_end(), b"");
    embedded.server().expect(&[("GET hashes", "$1\r\n5\r\n")]);
}

#[test]
fn replies_before_the_dropped_one_are_sent_and_commands_after_it_not_done() {
    let embedded = Embedded::start();
    embedded.faults().drop_replies_to("incrby", 1);
    let mut wire = embedded.server().connect();
    wire.send(b"PING\r\nINCRBY hashes 5\r\nINCRBY hashes 5\r\n");
    assert_eq!(wire.read_to_end(), b"+PONG\r\n");
    embedded.server().expect(&[("GET hashes", "$1\r\n5\r\n"), ("INCRBY hashes 1", ":6\r\n")]);
}

#[test]
fn the_reply_to_a_whole_transaction_can_be_dropped() {
    let embedded = Embedded::start();
    embedded.faults().drop_replies_to("EXEC", 1);
    let client = Client::open(embedded.server().url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let outcome: redis::RedisResult<()> =
        redis::pipe().atomic().incr("hashes", 5).incr("coins", 1).query(&mut connection);
    assert!(outcome.unwrap_err().is_io_error());
    let mut connection = client.get_connection().unwrap();
    assert_eq!(connection.get::<_, i64>("hashes").unwrap(), 5);
    assert_eq!(connection.get::<_, i64>("coins").unwrap(), 1);
}

#[test]
fn each_reply_waits_for_the_delay() {
    let embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    embedded.faults().delay_replies(Duration::from_millis(30));
    let start = SystemTime::now();
    wire.send(b"PING\r\nPING\r\n");
    wire.read_reply();
    assert!(start.elapsed().unwrap() >= Duration::from_millis(30));
    wire.read_reply();
    assert!(start.elapsed().unwrap() >= Duration::from_millis(60));
    embedded.faults().delay_replies(Duration::ZERO);
    wire.expect_each(&[("PING", "+PONG\r\n")]);
}

#[test]
fn refused_connections_are_closed_and_others_go_on() {
    let embedded = Embedded::start();
    let mut before = embedded.server().connect();
    before.expect_each(&[("PING", "+PONG\r\n")]);
    embedded.faults().refuse_connections(true);
    for _ in 0..3 {
        let mut refused = embedded.server().connect();
        refused.try_send(b"PING\r\n").ok();
        assert_eq!(refused.read_to_end(), b"");
    }
    before.expect_each(&[("PING", "+PONG\r\n")]);
    embedded.faults().clear();
    embedded.server().expect(&[("PING", "+PONG\r\n")]);
}

#[test]
fn all_clients_can_be_disconnected_at_once() {
    let embedded = Embedded::start();
    let mut wires: Vec<_> = (0..20).map(|_| embedded.server().connect()).collect();
    for wire in &mut wires {
        wire.ask("PING");
    }
    // In the middle of a request, too.
    wires[0].send(b"*2\r\n$4\r\nINCR");
    embedded.faults().disconnect_all();
    for wire in &mut wires {
        assert_eq!(wire.read_to_end(), b"");
    }
    embedded.server().expect(&[("PING", "+PONG\r\n")]);
}

#[test]
fn disconnecting_in_the_middle_of_a_pipeline_leaves_whole_commands_only() {
    let embedded = Embedded::start();
    let mut wire = embedded.server().connect();
    embedded.faults().delay_replies(Duration::from_millis(5));
    wire.send(&frame(&["HSET", "h", "a", "1", "b", "1"]).repeat(1000));
    wire.read_reply();
    embedded.faults().disconnect_all();
    wire.read_to_end();
    embedded.faults().clear();
    embedded.server().expect(&[("HLEN h", ":2\r\n")]);
}
