//! `bench load` as a process that cannot run when it has to: stopped by a signal, and under a
//! processor quota. What it says is of itself, and the server is not blamed.

#![expect(clippy::panic, clippy::unwrap_used, reason = "what these tests share fails the test")]
#![expect(clippy::disallowed_methods, reason = "there is no runtime that a sleep could block")]

mod quota;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use quota::Quota;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

/// A server that answers every request at once, on a thread for each connection, for as long as the
/// test runs.
fn server() -> SocketAddr {
    server_that_notes_the_first().0
}

/// The same, and where it sends a note at each connection's first request.
fn server_that_notes_the_first() -> (SocketAddr, Receiver<()>) {
    let (note, first) = channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, note) = (stream.unwrap(), note.clone());
            std::thread::spawn(move || {
                let mut request = [0; 1024];
                let mut notes = Some(note);
                while stream.read(&mut request).is_ok_and(|read| read > 0) {
                    if let Some(note) = notes.take() {
                        // Few tests wait for it.
                        let _ = note.send(());
                    }
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    (address, first)
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What a run that has been started comes to.
fn ended(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn load(words: &str) -> Command {
    let mut command = Command::new(BENCH);
    command.args(["load", "--json"]).args(words.split_whitespace());
    command
}

/// The doubt of this kind.
fn doubt<'a>(summary: &'a Value, kind: &str) -> &'a Value {
    let doubts = summary["doubts"].as_array().unwrap();
    doubts.iter().find(|doubt| doubt["kind"] == kind).unwrap_or_else(|| panic!("{summary:#}"))
}

/// Runs a load against a server of its own, and stops its process for `stop`, half a second after its
/// first request.
fn stopped_for(stop: Duration, words: &str) -> Value {
    let (address, first) = server_that_notes_the_first();
    let child = start(load(&format!("{words} {address}")));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    first.recv_timeout(Duration::from_secs(30)).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    kill_process(pid, Signal::STOP).unwrap();
    std::thread::sleep(stop);
    kill_process(pid, Signal::CONT).unwrap();
    ended(child)
}

#[test]
fn a_stop_is_the_generators_and_what_was_due_in_it_too() {
    let summary = stopped_for(Duration::from_millis(900), "-c3 -d3s --rate 80");
    let stopped = doubt(&summary, "stopped");
    assert!(stopped["longest_ms"].as_f64() > Some(700.0), "{stopped}");
    assert_eq!(summary["latency_doubtful"], true);
    // 72 were due in it, of which as many as there are connections were waited for and no more.
    let late = &summary["sent_late"];
    assert!(late["generator_held_up"].as_u64() > Some(40), "{late}");
    assert!(late["connections_busy"].as_u64() < late["generator_held_up"].as_u64(), "{late}");
    let warnings = summary["warnings"].to_string();
    assert!(warnings.contains("bench itself was stopped"), "{warnings}");
}

#[test]
fn a_closed_loop_that_was_stopped_says_so() {
    let summary = stopped_for(Duration::from_millis(700), "-c2 -d2500ms");
    assert!(doubt(&summary, "stopped")["longest_ms"].as_f64() > Some(500.0));
    assert_eq!(summary["latency_doubtful"], true);
    assert!(summary["latency"]["max_ms"].as_f64() > Some(500.0));
}

#[test]
fn a_quota_that_is_used_up_is_counted_and_its_share_is_of_the_quota() {
    // So little is used up on a busy machine, too.
    let quota = Quota::new(0.03);
    let summary = ended(start(quota.command(&load(&format!("-c3 -d2s {}", server())))));
    let throttled = doubt(&summary, "throttled");
    assert!(throttled["times"].as_u64() > Some(3), "{throttled}");
    assert!(throttled["time_ms"].as_f64() > Some(200.0), "{throttled}");
    let generator = &summary["generator"];
    let processors = generator["processors"].as_f64().unwrap();
    assert!((processors - 0.03).abs() < 0.001, "{generator}");
    // Of a processor it would be a thirtieth.
    assert!(generator["busiest"].as_f64() > Some(0.3), "{generator}");
    assert!(generator["processors_used"].as_f64() < Some(0.3), "{generator}");
    assert_eq!(summary["latency_doubtful"], true);
}

#[test]
fn an_open_loop_under_a_quota_blames_itself() {
    let quota = Quota::new(0.05);
    let words = format!("-c3 -d3s --rate 3000 --max-errors 100% {}", server());
    let summary = ended(start(quota.command(&load(&words))));
    assert!(doubt(&summary, "throttled")["time_ms"].as_f64() > Some(500.0));
    assert!(summary["sent_late"]["generator_held_up"].as_u64() > Some(500), "{summary:#}");
}

#[test]
fn an_affinity_is_what_the_process_may_use() {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", BENCH, "load", "--json", "-c1", "-n50"]).arg(server().to_string());
    let processors = ended(start(command))["generator"]["processors"].as_f64().unwrap();
    assert!(processors <= 1.0, "{processors}");
}
