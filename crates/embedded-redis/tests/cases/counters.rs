//! Counting; must show that a refused change leaves the value alone.

use crate::support::Server;

const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range\r\n";
const OVERFLOW: &str = "-ERR increment or decrement would overflow\r\n";

pub(crate) fn counting(server: Server) {
    server.expect(&[
        ("INCR n", ":1\r\n"),
        ("INCRBY n 41", ":42\r\n"),
        ("DECR n", ":41\r\n"),
        ("DECRBY n 50", ":-9\r\n"),
        ("INCRBY n -1", ":-10\r\n"),
        ("DECRBY n -10", ":0\r\n"),
        ("GET n", "$1\r\n0\r\n"),
        ("EXPIRE n 100", ":1\r\n"),
        ("INCR n", ":1\r\n"),
        ("TTL n", ":100\r\n"),
        ("INCRBY missing 0", ":0\r\n"),
        ("EXISTS missing", ":1\r\n"),
    ]);
}

pub(crate) fn limits(server: Server) {
    server.expect(&[
        ("SET n 9223372036854775807", "+OK\r\n"),
        ("INCR n", OVERFLOW),
        ("DECRBY n -1", OVERFLOW),
        ("DECRBY n -9223372036854775808", "-ERR decrement would overflow\r\n"),
        ("GET n", "$19\r\n9223372036854775807\r\n"),
        ("SET n -9223372036854775808", "+OK\r\n"),
        ("DECR n", OVERFLOW),
        ("INCRBY n x", NOT_AN_INTEGER),
        ("INCRBY n 1.5", NOT_AN_INTEGER),
        ("INCRBY n 9223372036854775808", NOT_AN_INTEGER),
        ("INCRBY n +1", NOT_AN_INTEGER),
        ("INCRBY n 01", NOT_AN_INTEGER),
        ("SET n \" 1\"", "+OK\r\n"),
        ("INCR n", NOT_AN_INTEGER),
        ("SET n \"\"", "+OK\r\n"),
        ("INCR n", NOT_AN_INTEGER),
        ("SET n 01", "+OK\r\n"),
        ("INCR n", NOT_AN_INTEGER),
        ("GET n", "$2\r\n01\r\n"),
    ]);
}

/// Increments from several connections at once are all counted, and none twice.
pub(crate) fn many_at_once(server: Server) {
    const CLIENTS: usize = 8;
    const EACH: usize = 250;
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut wire = server.connect();
                for _ in 0..EACH {
                    wire.ask("INCR n");
                }
            });
        }
    });
    server.expect(&[("GET n", "$4\r\n2000\r\n")]);
}
