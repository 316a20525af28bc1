//! The embedded Redis is open to the user who runs the app, by the commands that `bench up`
//! prints, and to no one else.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use app_tests::{Ended, Place, Process, Up, eventually};

/// Types a command of `bench up` into a shell, with more words.
async fn shell(command: &str, words: &str) -> Ended {
    let line = format!("{command} {words}");
    Process::start(Command::new("sh").args(["-c", &line])).end().await
}

/// The TCP ports on which the process itself listens.
fn listening(pid: u32) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let own = columns[3] == "0A" && sockets.contains(&format!("socket:[{}]", columns[9]));
        own.then(|| u16::from_str_radix(columns[1].rsplit(':').next()?, 16).ok())?
    };
    table.lines().skip(1).filter_map(port).collect()
}

fn published(up: &Up) -> BTreeSet<u16> {
    up.addresses().iter().map(std::net::SocketAddr::port).collect()
}

#[tokio::test]
async fn a_printed_command_reaches_redis_by_its_socket_and_no_port_does() {
    let place = Place::fast();
    let mut up = place.up(&[]).await;
    let commands = up.redis_commands().await;
    let [command] = commands.as_slice() else { panic!("{commands:?}") };
    up.goes_on(1).await;
    let hashes = shell(command, "GET hashes").await;
    assert!(hashes.stdout.trim().parse::<u64>().is_ok(), "{hashes:?}");
    let seen = shell(&format!("timeout 2 {command}"), "monitor").await;
    assert!(seen.stdout.contains("hashes"), "{seen:?}");
    assert_eq!(listening(up.process.pid()), published(&up));
    let socket = place.app_folders()[0].join("redis.sock");
    assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(up.stop().await.code, Some(0));
    assert!(place.app_folders().is_empty());
}

#[tokio::test]
async fn a_port_is_opened_only_when_asked_for_and_asks_for_a_password() {
    let place = Place::fast().with("BENCH_REDIS_PASSWORD", "from the environment");
    let random = Place::fast();
    let mut given = place.up(&["--redis-port", "0"]).await;
    let mut made = random.up(&["--redis-port", "0"]).await;
    for up in [&mut given, &mut made] {
        up.goes_on(1).await;
        let commands = up.redis_commands().await;
        let [socket, port] = commands.as_slice() else { panic!("{commands:?}") };
        let number: u16 = port.rsplit(' ').next().unwrap().parse().unwrap();
        let mut expected = published(up);
        expected.insert(number);
        assert_eq!(listening(up.process.pid()), expected);
        assert_eq!(shell(socket, "PING").await.stdout.trim(), "PONG");
        let variable = "export BENCH_REDIS_PASSWORD='from the environment'; ";
        let answer = shell(&format!("{variable}{port}"), "PING").await;
        assert_eq!(answer.stdout.trim(), "PONG", "{port}: {answer:?}");
        for wrong in ["", "REDISCLI_AUTH=wrong "] {
            let refused = shell(&format!("{wrong}redis-cli -p {number}"), "FLUSHALL").await;
            let said = format!("{}{}", refused.stdout, refused.stderr);
            assert!(said.contains("NOAUTH") && !said.contains("OK"), "{said}");
        }
    }
    assert_eq!((given.stop().await.code, made.stop().await.code), (Some(0), Some(0)));
    assert!(place.app_folders().is_empty() && random.app_folders().is_empty());
}

#[tokio::test]
async fn a_silent_crowd_at_the_port_does_not_keep_the_app_from_redis() {
    let place = Place::fast();
    let mut up = place.up(&["--redis-port", "0"]).await;
    let commands = up.redis_commands().await;
    let number: u16 = commands[1].rsplit(' ').next().unwrap().parse().unwrap();
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(TcpStream::connect(("127.0.0.1", number)).unwrap());
    }
    let scaled =
        place.run(&["scale", "--worker", "12", "--duration", "200ms", "--warmup", "0"]).await;
    assert!([Some(0), Some(3)].contains(&scaled.code), "{scaled:?}");
    up.goes_on(3).await;
    // Those that do not log in are disconnected, and so make room for who does.
    eventually("room at the port", async || {
        (shell(&commands[1], "PING").await.stdout.trim() == "PONG").then_some(())
    })
    .await;
    for stream in &mut crowd {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut last_words = Vec::new();
        let end = stream.read_to_end(&mut last_words);
        assert!(end.is_ok(), "still open: {end:?}");
    }
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_directory_whose_path_is_too_long_for_sockets_will_do() {
    let place = Place::fast();
    let deep = place.folder().join("d".repeat(90)).join("e".repeat(90));
    fs::create_dir_all(&deep).unwrap();
    fs::set_permissions(&deep, Permissions::from_mode(0o700)).unwrap();
    let in_deep = |words: &[&str]| {
        let mut command = place.command(words);
        command.env("XDG_RUNTIME_DIR", &deep);
        Process::start(&mut command)
    };
    let mut up = Up::start(in_deep(&["up"])).await;
    up.goes_on(1).await;
    let commands = up.redis_commands().await;
    let hashes = shell(&commands[0], "GET hashes").await;
    assert!(hashes.stdout.trim().parse::<u64>().is_ok(), "{commands:?}: {hashes:?}");
    let scaled = in_deep(&["scale", "--worker", "2", "--duration", "200ms", "--warmup", "0"]);
    let ended = scaled.end().await;
    assert!([Some(0), Some(3)].contains(&ended.code), "{ended:?}");
    assert_eq!(up.replicas("worker").len(), 2);
    assert_eq!(up.stop().await.code, Some(0));
    assert_eq!(fs::read_dir(deep.join("dockercoins")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_named_redis_can_be_a_unix_socket() {
    let place = Place::fast();
    let mut first = place.up(&[]).await;
    let command = first.redis_commands().await.remove(0);
    let socket = command.rsplit(' ').next().unwrap().to_owned();
    first.goes_on(1).await;
    let other = Place::fast();
    let url = format!("unix://{socket}");
    let mut second = other.up(&["--redis", &url]).await;
    assert_eq!(second.redis_commands().await, Vec::<String>::new());
    // Both count in the one Redis.
    second.goes_on(3).await;
    let here: u64 = shell(&command, "GET hashes").await.stdout.trim().parse().unwrap();
    assert!(second.hashes().await >= here);
    assert_eq!(second.stop().await.code, Some(0));
}
