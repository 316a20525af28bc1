//! Reading all keys or fields page by page; must not depend on the size of a page.

use std::collections::BTreeSet;

use crate::support::{Server, Wire};

/// The words of a reply that has words only, without the lines that say how long they are.
fn words(reply: &str) -> Vec<String> {
    let lines = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// One page: the next cursor and the items.
fn page(wire: &mut Wire, command: &str) -> (String, Vec<String>) {
    let mut words = words(&wire.ask(command));
    let cursor = words.remove(0);
    (cursor, words)
}

fn scan(wire: &mut Wire, options: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut cursor = "0".to_owned();
    loop {
        let (next, items) = page(wire, &format!("SCAN {cursor} {options}"));
        seen.extend(items);
        cursor = next;
        if cursor == "0" {
            return seen;
        }
    }
}

pub(crate) fn options(server: Server) {
    let mut wire = server.connect();
    for number in 0..100 {
        wire.ask(&format!("SET string:{number} v"));
        wire.ask(&format!("HSET hash:{number} f v"));
    }
    assert_eq!(scan(&mut wire, "").len(), 200);
    assert_eq!(scan(&mut wire, "COUNT 1").len(), 200);
    assert_eq!(scan(&mut wire, "COUNT 1000").len(), 200);
    assert_eq!(scan(&mut wire, "MATCH *:1?").len(), 20);
    assert_eq!(scan(&mut wire, "TYPE hash COUNT 7").len(), 100);
    assert_eq!(scan(&mut wire, "match string:* type STRING count 50").len(), 100);
    assert_eq!(scan(&mut wire, "TYPE list").len(), 0);
    wire.expect_each(&[
        ("SCAN x", "-ERR invalid cursor\r\n"),
        ("SCAN 0 COUNT 0", "-ERR syntax error\r\n"),
        ("SCAN 0 COUNT x", "-ERR value is not an integer or out of range\r\n"),
        ("SCAN 0 MATCH", "-ERR syntax error\r\n"),
        ("SCAN 0 WHAT x", "-ERR syntax error\r\n"),
        ("HSCAN missing 0", "*2\r\n$1\r\n0\r\n*0\r\n"),
        ("HSCAN missing x", "-ERR invalid cursor\r\n"),
    ]);
}

/// What is there from the first page to the last is seen, whatever comes and goes meanwhile.
pub(crate) fn while_keys_change(server: Server) {
    let mut wire = server.connect();
    let mut other = server.connect();
    for number in 0..300 {
        wire.ask(&format!("SET stays:{number} v"));
        wire.ask(&format!("SET goes:{number} v"));
    }
    let mut seen = BTreeSet::new();
    let mut cursor = "0".to_owned();
    let mut round = 0;
    loop {
        let (next, items) = page(&mut wire, &format!("SCAN {cursor} COUNT 20"));
        seen.extend(items);
        for number in (round * 15)..(round * 15 + 15) {
            other.ask(&format!("DEL goes:{number}"));
            other.ask(&format!("SET stays:{number} changed"));
            if number < 300 {
                other.ask(&format!("SET comes:{number} v"));
            }
        }
        round += 1;
        cursor = next;
        if cursor == "0" {
            break;
        }
    }
    let missed: Vec<_> =
        (0..300).map(|it| format!("stays:{it}")).filter(|key| !seen.contains(key)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

pub(crate) fn hash_fields(server: Server) {
    let mut wire = server.connect();
    for number in 0..700 {
        wire.ask(&format!("HSET wallet field:{number} value:{number}"));
    }
    let mut pairs = BTreeSet::new();
    let mut cursor = "0".to_owned();
    loop {
        let (next, items) = page(&mut wire, &format!("HSCAN wallet {cursor} COUNT 50"));
        pairs.extend(items.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())));
        cursor = next;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(pairs.len(), 700);
    assert!(pairs.contains(&("field:42".to_owned(), "value:42".to_owned())));
    let (_, items) = page(&mut wire, "HSCAN wallet 0 MATCH field:69? COUNT 100000");
    assert_eq!(items.len(), 20);
}
