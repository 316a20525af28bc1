//! Commands about the connection itself; must not depend on any key.

use crate::support::Server;

pub(crate) fn ping(server: Server) {
    server.expect(&[
        ("PING", "+PONG\r\n"),
        ("ping hello", "$5\r\nhello\r\n"),
        ("PiNg \"\"", "$0\r\n\r\n"),
        ("PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"),
    ]);
}

pub(crate) fn echo(server: Server) {
    server.expect(&[(r#"ECHO "a\r\n\x00b""#, "$5\r\na\r\n\0b\r\n")]);
}

pub(crate) fn quit(server: Server) {
    let mut wire = server.connect();
    wire.send(b"PING\r\nQUIT\r\nPING\r\n");
    assert_eq!(wire.read_to_end(), b"+PONG\r\n+OK\r\n");
}

pub(crate) fn reset(server: Server) {
    server.expect(&[
        ("CLIENT SETNAME someone", "+OK\r\n"),
        ("MULTI", "+OK\r\n"),
        ("SET key value", "+QUEUED\r\n"),
        ("RESET", "+RESET\r\n"),
        ("EXEC", "-ERR EXEC without MULTI\r\n"),
        ("CLIENT GETNAME", "$-1\r\n"),
        ("EXISTS key", ":0\r\n"),
    ]);
    let mut wire = server.connect();
    wire.ask("HELLO 3");
    wire.expect_each(&[("GET key", "_\r\n"), ("RESET", "+RESET\r\n"), ("GET key", "$-1\r\n")]);
}

pub(crate) fn select(server: Server) {
    server.expect(&[
        ("SELECT 0", "+OK\r\n"),
        ("SELECT 15", "+OK\r\n"),
        ("SELECT 16", "-ERR DB index is out of range\r\n"),
        ("SELECT -1", "-ERR DB index is out of range\r\n"),
        (
            "SELECT 2147483648",
            "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n",
        ),
        ("SELECT x", "-ERR value is not an integer or out of range\r\n"),
    ]);
}

pub(crate) fn databases(server: Server) {
    let mut wire = server.connect();
    let mut other = server.connect();
    wire.expect_each(&[
        ("SET key 0", "+OK\r\n"),
        ("SELECT 7", "+OK\r\n"),
        ("GET key", "$-1\r\n"),
        ("SET key 7 EX 100", "+OK\r\n"),
        ("DBSIZE", ":1\r\n"),
        // A selection within a transaction holds for what follows.
        ("MULTI", "+OK\r\n"),
        ("GET key", "+QUEUED\r\n"),
        ("SELECT 0", "+QUEUED\r\n"),
        ("GET key", "+QUEUED\r\n"),
        ("EXEC", "*3\r\n$1\r\n7\r\n+OK\r\n$1\r\n0\r\n"),
        ("GET key", "$1\r\n0\r\n"),
        ("WATCH key", "+OK\r\n"),
        ("SELECT 7", "+OK\r\n"),
        ("SET key 8", "+OK\r\n"),
        // The watched key of the other database was not changed by this,
        ("MULTI", "+OK\r\n"),
        ("EXEC", "*0\r\n"),
        ("WATCH key", "+OK\r\n"),
    ]);
    // nor is this the watched one.
    other.expect_each(&[("GET key", "$1\r\n0\r\n"), ("SET key 1", "+OK\r\n")]);
    wire.expect_each(&[("MULTI", "+OK\r\n"), ("EXEC", "*0\r\n"), ("WATCH key", "+OK\r\n")]);
    other.expect_each(&[("SELECT 7", "+OK\r\n"), ("SET key 9", "+OK\r\n")]);
    wire.expect_each(&[("MULTI", "+OK\r\n"), ("EXEC", "*-1\r\n")]);
    let info = wire.ask("INFO keyspace");
    assert!(info.contains("db0:keys=1,") && info.contains("db7:keys=1,"), "{info}");
    assert!(wire.ask("CLIENT INFO").contains(" db=7 "));
    wire.expect_each(&[
        ("FLUSHDB", "+OK\r\n"),
        ("RESET", "+RESET\r\n"),
        ("GET key", "$1\r\n1\r\n"),
        ("SELECT 15", "+OK\r\n"),
        ("FLUSHALL", "+OK\r\n"),
        ("SELECT 0", "+OK\r\n"),
        ("DBSIZE", ":0\r\n"),
    ]);
}

pub(crate) fn auth(server: Server) {
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    server.expect(&[
        (
            "AUTH secret",
            "-ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?\r\n",
        ),
        ("AUTH default secret", "+OK\r\n"),
        ("AUTH someone secret", wrong),
        ("AUTH a b c", "-ERR syntax error\r\n"),
        ("HELLO 3 AUTH someone secret", wrong),
        ("PING", "+PONG\r\n"),
    ]);
}

pub(crate) fn hello(server: Server) {
    let greeting = |map: &str, protocol: u8, id: u64| {
        format!(
            "{map}\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n\
             $5\r\nproto\r\n:{protocol}\r\n$2\r\nid\r\n:{id}\r\n$4\r\nmode\r\n\
             $10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
        )
    };
    // The servers need not be of the same patch version.
    let version = |reply: String| {
        let start = reply.find("$7\r\nversion\r\n$").unwrap();
        let end = reply.find("$5\r\nproto").unwrap();
        format!("{}$7\r\nversion\r\n$6\r\n7.0.15\r\n{}", &reply[..start], &reply[end..])
    };
    let mut wire = server.connect();
    let id: u64 = wire.ask("CLIENT ID")[1..].trim().parse().unwrap();
    assert_eq!(version(wire.ask("HELLO")), greeting("*14", 2, id));
    assert_eq!(version(wire.ask("HELLO 3 SETNAME someone")), greeting("%7", 3, id));
    assert_eq!(version(wire.ask("HELLO")), greeting("%7", 3, id));
    assert_eq!(version(wire.ask("hello 2 auth default x")), greeting("*14", 2, id));
    wire.expect_each(&[
        ("CLIENT GETNAME", "$7\r\nsomeone\r\n"),
        ("HELLO 4", "-NOPROTO unsupported protocol version\r\n"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"),
        ("HELLO 3 FOO", "-ERR Syntax error in HELLO option 'FOO'\r\n"),
        ("HELLO 3 AUTH x", "-ERR Syntax error in HELLO option 'AUTH'\r\n"),
        // None of the refused ones has changed the protocol.
        ("GET missing", "$-1\r\n"),
    ]);
}

pub(crate) fn client_names(server: Server) {
    server.expect(&[
        ("CLIENT GETNAME", "$-1\r\n"),
        ("CLIENT SETNAME worker-1", "+OK\r\n"),
        ("CLIENT GETNAME", "$8\r\nworker-1\r\n"),
        (
            "CLIENT SETNAME \"a b\"",
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
        ),
        ("CLIENT SETNAME \"\"", "+OK\r\n"),
        ("CLIENT GETNAME", "$-1\r\n"),
        ("CLIENT NO-EVICT on", "+OK\r\n"),
        ("CLIENT NO-EVICT maybe", "-ERR syntax error\r\n"),
    ]);
}

pub(crate) fn client_list(server: Server) {
    let mut first = server.connect();
    let mut second = server.connect();
    first.ask("CLIENT SETNAME first");
    let id: u64 = second.ask("CLIENT ID")[1..].trim().parse().unwrap();
    let list = second.ask("CLIENT LIST");
    assert!(list.contains(" name=first "), "{list}");
    assert!(list.contains(" cmd=client|list "), "{list}");
    let own = second.ask("CLIENT INFO");
    assert!(own.contains(&format!("id={id} addr=127.0.0.1:")), "{own}");
    assert!(!own.contains("name=first"), "{own}");
}
