//! A server with a password, `geheim`; must show that nothing is done before it was given.

use crate::support::{Server, frame};

const NO_AUTH: &str = "-NOAUTH Authentication required.\r\n";
const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

pub(crate) fn nothing_before_it(server: Server) {
    server.expect(&[
        ("GET key", NO_AUTH),
        ("FLUSHALL", NO_AUTH),
        ("CLIENT LIST", NO_AUTH),
        ("INFO", NO_AUTH),
        ("MONITOR", NO_AUTH),
        ("MULTI", NO_AUTH),
        (
            "EXEC",
            "-EXECABORT Transaction discarded because of: NOAUTH Authentication required.\r\n",
        ),
        ("PING", NO_AUTH),
        ("GET", "-ERR wrong number of arguments for 'get' command\r\n"),
        ("NONSENSE x", "-ERR unknown command 'NONSENSE', with args beginning with: 'x' \r\n"),
        ("AUTH wrong", WRONG),
        ("AUTH default wrong", WRONG),
        ("AUTH someone geheim", WRONG),
        ("AUTH \"\"", WRONG),
        ("GET key", NO_AUTH),
        ("RESET", "+RESET\r\n"),
        ("AUTH geheim", "+OK\r\n"),
        ("GET key", "$-1\r\n"),
        // A wrong one takes nothing away.
        ("AUTH wrong", WRONG),
        ("SET key v", "+OK\r\n"),
        ("AUTH default geheim", "+OK\r\n"),
        ("RESET", "+RESET\r\n"),
        ("GET key", NO_AUTH),
        ("QUIT", "+OK\r\n"),
    ]);
}

pub(crate) fn with_hello(server: Server) {
    let without = "-NOAUTH HELLO must be called with the client already authenticated, otherwise \
                   the HELLO AUTH <user> <pass> option can be used to authenticate the \
                   client and select the RESP protocol version at the same time\r\n";
    let mut wire = server.connect();
    wire.expect_each(&[
        ("HELLO", without),
        ("HELLO 3", without),
        ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
        ("HELLO 3 AUTH default wrong", WRONG),
        ("HELLO 3 AUTH someone geheim SETNAME x", WRONG),
        ("GET key", NO_AUTH),
        ("HELLO 3 FOO AUTH default geheim", "-ERR Syntax error in HELLO option 'FOO'\r\n"),
        ("GET key", NO_AUTH),
        // A right one holds even if what follows is wrong.
        ("HELLO 3 AUTH default geheim FOO", "-ERR Syntax error in HELLO option 'FOO'\r\n"),
        ("GET key", "$-1\r\n"),
        ("RESET", "+RESET\r\n"),
    ]);
    assert!(wire.ask("HELLO 3 AUTH default geheim SETNAME someone").starts_with("%7\r\n"));
    wire.expect_each(&[("CLIENT GETNAME", "$7\r\nsomeone\r\n"), ("GET key", "_\r\n")]);
}

/// Whoever does not know it cannot take memory, either.
pub(crate) fn short_requests_before_it(server: Server) {
    for (request, problem) in [
        (frame(&["DEL"; 11]), "unauthenticated multibulk length"),
        (b"*2\r\n$4\r\nAUTH\r\n$16385\r\n".to_vec(), "unauthenticated bulk length"),
    ] {
        let mut wire = server.connect();
        wire.send(&request);
        let expected = format!("-ERR Protocol error: {problem}\r\n");
        assert_eq!(String::from_utf8_lossy(&wire.read_to_end()), expected);
    }
    let mut wire = server.connect();
    wire.ask("AUTH geheim");
    wire.send(&frame(&["DEL"; 11]));
    assert_eq!(wire.read_reply(), b":0\r\n");
}
