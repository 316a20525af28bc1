//! `bench ping` as a process: signals, pipes that close, limits of the system, and a terminal.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

mod limits;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

/// A server that answers every request on a thread of its own, for as long as the test runs.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 1024];
                while stream.read(&mut request).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    address
}

fn start(words: &str) -> Child {
    let mut command = Command::new(BENCH);
    command.arg("ping").args(words.split_whitespace()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Reads on until a line has this in it.
fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, word: &str) -> String {
    lines.map(Result::unwrap).find(|line| line.contains(word)).unwrap()
}

#[test]
fn ctrl_c_ends_with_the_summary() {
    for ending in [Signal::INT, Signal::TERM] {
        let mut child = start(&format!("-i 0.01 {}", server()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Not up to a certain number: a busy machine leaves some out.
        for _ in 0..3 {
            read_until(&mut lines, "seq=");
        }
        signal(&child, ending);
        read_until(&mut lines, "ping statistics ---");
        let counts = read_until(&mut lines, " connects, ");
        assert!(counts.contains(" 0.00% failed"), "{counts}");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn ctrl_c_leaves_json_whole() {
    for format in ["--json", "-M"] {
        let mut child = start(&format!("{format} -i 0.01 {}", server()));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        for _ in 0..4 {
            out.read_line(&mut text).unwrap();
        }
        signal(&child, Signal::INT);
        out.read_to_string(&mut text).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn sigquit_shows_how_things_stand_and_goes_on() {
    let mut child = start(&format!("-i 0.01 {}", server()));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    read_until(&mut lines, "seq=");
    signal(&child, Signal::QUIT);
    read_until(&mut lines, "ping statistics ---");
    let counts = read_until(&mut lines, " connects, ");
    assert!(counts.contains(" 0.00% failed"), "{counts}");
    // httping says -1.0 for the average here.
    let round_trip = read_until(&mut lines, "round-trip min/avg/max = ");
    let times: Vec<f64> = round_trip
        .trim_start_matches("round-trip min/avg/max = ")
        .trim_end_matches(" ms")
        .split('/')
        .map(|time| time.parse().unwrap())
        .collect();
    assert!(times[0] <= times[1] && times[1] <= times[2], "{round_trip}");
    for _ in 0..3 {
        read_until(&mut lines, "seq=");
    }
    signal(&child, Signal::INT);
    read_until(&mut lines, "ping statistics ---");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_probe_under_way_does_not_hold_up_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = start(&format!("-t 1000 {}", listener.local_addr().unwrap()));
    // It has connected, and will never be answered.
    let (_stream, _) = listener.accept().unwrap();
    signal(&child, Signal::INT);
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(out.contains("0 connects, 0 ok"), "{out}");
    assert_eq!(child.wait().unwrap().code(), Some(1), "none was ok");
}

#[test]
fn a_pipe_that_closes_ends_it_quietly() {
    for format in ["", "--json", "-M", "-m"] {
        let mut child = start(&format!("{format} -i 0.01 {}", server()));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        drop(out);
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(status.code().is_some(), "{format}: it was not killed");
        assert!(!said.contains("error") && !said.contains("panic"), "{format}: {said}");
    }
}

/// In a terminal of its own: what it drew and printed, and its exit code. Each word of `keys` is
/// typed once another picture was drawn, and the terminal's size changes with it.
fn in_a_terminal(words: &str, keys: &[&[u8]]) -> (String, Option<i32>) {
    in_a_terminal_of("xterm", &format!("ping {words}"), keys)
}

/// The same in a terminal of this kind.
fn in_a_terminal_of(kind: &str, words: &str, keys: &[&[u8]]) -> (String, Option<i32>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let size = |ws_row, ws_col| Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size(24, 80)).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let end = || File::options().read(true).write(true).open(&name).unwrap();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", BENCH]).args(words.split_whitespace());
    command.stdin(end()).stdout(end()).stderr(end()).env("TERM", kind);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut master = File::from(master);
    let (mut text, mut keys) = (Vec::new(), keys.iter());
    let (mut drawn, mut resized) = (0, false);
    // Once the last process has closed its end there is an error in place of an end.
    let mut piece = [0; 4096];
    while let Ok(read) = master.read(&mut piece) {
        text.extend_from_slice(&piece[..read]);
        let seen = String::from_utf8_lossy(&text).matches("last:").count();
        if seen == drawn {
            continue;
        }
        drawn = seen;
        // Before each key the terminal becomes another one; not at the same moment, since crossterm
        // overlooks a key that comes together with a change of size.
        resized = !resized;
        if resized {
            let columns = u16::try_from(60 + keys.len() * 10).unwrap();
            tcsetwinsize(&master, size(20, columns)).unwrap();
        } else if let Some(key) = keys.next() {
            master.write_all(key).unwrap();
        }
    }
    let code = child.wait().unwrap().code();
    (String::from_utf8_lossy(&text).into_owned(), code)
}

#[test]
fn a_graph_heeds_its_keys_and_leaves_the_terminal_as_it_was() {
    for last in [b"q", b"\x03"] {
        let words = format!("-K -i 0.05 {}", server());
        let (text, code) = in_a_terminal(&words, &[b"\x0c", b"\x0c", last]);
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(text.matches("\x1b[?1049h").count(), 1, "one screen of its own");
        let (_, after) = text.split_once("\x1b[?1049l").unwrap();
        assert!(after.starts_with("\x1b[?25h"), "the cursor is back: {after:?}");
        assert!(after.contains("ping statistics ---"), "the summary follows: {after:?}");
        assert!(after.contains(" ok, 0.00% failed"), "{after:?}");
    }
}

#[test]
fn a_terminal_that_takes_no_more_does_not_keep_it_from_ending() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let end = || File::options().read(true).write(true).open(&name).unwrap();
    let mut command = Command::new(BENCH);
    command.args(["ping", "-K", "-f", &server().to_string()]);
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    drop(command);
    // Nobody reads the other end: once the system's buffer is full, the next picture waits.
    let mut looks = looks();
    while !waits_for_the_terminal(&child) {
        assert_eq!(child.try_wait().unwrap(), None, "it has ended by itself");
        assert!(looks.next().is_some(), "it never waits, or /proc/PID/syscall cannot be read");
    }
    // Signals that come together are one wish, and to end in order is what it cannot do.
    signal(&child, Signal::TERM);
    signal(&child, Signal::INT);
    looks.by_ref().take(10).for_each(drop);
    assert_eq!(child.try_wait().unwrap(), None, "the first time it waits for its end");
    // The second time at once.
    while child.try_wait().unwrap().is_none() {
        signal(&child, Signal::TERM);
        assert!(looks.next().is_some(), "it does not end");
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(master);
}

/// A look now and then, for twenty seconds.
#[expect(clippy::disallowed_methods, reason = "there is no runtime to block")]
fn looks() -> impl Iterator<Item = ()> {
    let pause = || std::thread::sleep(std::time::Duration::from_millis(20));
    std::iter::repeat_with(pause).take(1_000)
}

/// Whether the process sleeps in a call that writes.
fn waits_for_the_terminal(child: &Child) -> bool {
    let call = std::fs::read_to_string(format!("/proc/{}/syscall", child.id()));
    // `write` is 1 on x86-64 and 64 on the others.
    call.is_ok_and(|call| call.starts_with("1 0x1 ") || call.starts_with("64 0x1 "))
}

#[test]
fn nothing_is_drawn_on_a_terminal_that_is_dumb() {
    for (command, result) in
        [("ping -K -c 3 -i 0.02", "3 connects"), ("load -c1 -n20 --rate 50", "status 200")]
    {
        let words = format!("{command} {}", server());
        let (text, code) = in_a_terminal_of("dumb", &words, &[]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains(result) && !text.contains('\x1b'), "{text:?}");
    }
}
