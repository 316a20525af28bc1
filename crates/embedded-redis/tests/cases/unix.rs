//! A server on a Unix socket; must reach it by its path alone.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use redis::{Client, Commands};

fn command(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("redis-cli");
    command.arg("-s").arg(socket).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ask(socket: &Path, arguments: &[&str]) -> String {
    let output = command(socket, arguments).output().expect("redis-cli is not installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn cli(socket: &Path) {
    assert_eq!(ask(socket, &["INCRBY", "hashes", "42"]), "42");
    assert_eq!(ask(socket, &["GET", "hashes"]), "42");
    assert!(ask(socket, &["INFO", "server"]).contains("tcp_port:0\r\n"));
}

pub(crate) fn client_list_and_monitor(socket: &Path) {
    let shown = socket.display();
    let clients = ask(socket, &["CLIENT", "LIST"]);
    assert!(clients.contains(&format!(" addr={shown}:0 laddr={shown}:0 ")), "{clients}");
    let mut child = command(socket, &["MONITOR"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "OK");
    ask(socket, &["GET", "hashes"]);
    let seen = lines.map(Result::unwrap).find(|line| line.contains("\"GET\""));
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = seen.unwrap();
    assert!(seen.ends_with(&format!(" [0 unix:{shown}] \"GET\" \"hashes\"")), "{seen}");
}

pub(crate) fn client_library(socket: &Path) {
    let client = Client::open(format!("redis+unix://{}", socket.display())).unwrap();
    let mut connection = client.get_connection().unwrap();
    assert_eq!(connection.incr::<_, _, i64>("hashes", 7).unwrap(), 7);
    let value = vec![7_u8; 1_000_000];
    let () = connection.set("large", &value).unwrap();
    assert_eq!(connection.get::<_, Vec<u8>>("large").unwrap(), value);
}
