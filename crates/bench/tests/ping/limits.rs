//! What the system does not grant: open files, threads, room for what is printed. Each is a sentence
//! and the documented exit code, in every command.

use std::process::{Command, Output, Stdio};

use crate::{BENCH, server};

/// Every command that does anything, with the exit code for what the system does not grant.
const COMMANDS: [(&str, i32); 9] = [
    ("ping -c 1 http://localhost:1/", 5),
    ("load -n 1 -c 1 http://localhost:1/", 5),
    ("probe -c 1 --url http://localhost:1/", 5),
    ("status", 5),
    ("up --webui-port 0 --rng-port 0 --hasher-port 0", 5),
    ("scale --worker 1", 5),
    ("sweep --worker 1,2", 5),
    ("compare a b", 5),
    ("service rng --port 0", 1),
];

fn sh(script: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn too_few_descriptors_are_a_sentence_with_the_fix() {
    for (words, code) in COMMANDS {
        for files in [5, 8, 13] {
            let output = sh(&format!("ulimit -n {files} && exec {BENCH} {words}"));
            let text = said(&output);
            assert_eq!(output.status.code(), Some(code), "{words} with {files}: {text}");
            assert!(text.contains("too few open files: ") && text.contains("`ulimit -n"), "{text}");
        }
    }
}

#[test]
fn what_is_left_is_enough_where_it_starts() {
    let address = server();
    for files in 18..32 {
        let output = sh(&format!("ulimit -n {files} && exec {BENCH} ping -c 1 {address}"));
        let code = output.status.code();
        assert!([Some(0), Some(5)].contains(&code), "{files}: {}", said(&output));
        assert_eq!(code == Some(5), said(&output).contains("too few open files"), "{files}");
    }
}

/// The superuser has no such limit, so it is tried as another user, who need not be able to read the
/// folder of the program.
#[test]
fn too_few_threads_are_a_sentence_with_the_fix() {
    let other = match rustix::process::getuid().is_root() {
        true => "setpriv --reuid=64321 --regid=64321 --clear-groups",
        false => "",
    };
    for (words, code) in COMMANDS {
        let script =
            format!("exec 9<{BENCH}; exec {other} prlimit --nproc=1 /proc/self/fd/9 {words}");
        let output = sh(&script);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{words}: {text}");
        assert!(text.contains("start no further thread") && text.contains("ulimit -u"), "{text}");
    }
}

/// However many threads are granted, no command ends by a panic or a signal: not bench, and none of the
/// services that it starts.
#[test]
fn no_number_of_threads_makes_a_command_panic() {
    let other = match rustix::process::getuid().is_root() {
        true => "setpriv --reuid=64322 --regid=64322 --clear-groups",
        false => "",
    };
    let address = server();
    let up = "up --worker 2 --webui-port 0 --rng-port 0 --hasher-port 0";
    let ping = format!("ping -c 1 http://localhost:{}/", address.port());
    let few = (2..40).map(|threads| (threads, ping.as_str()));
    for (threads, words) in few.chain([2, 4, 6, 9, 13, 18, 24, 40].map(|threads| (threads, up))) {
        let limited = format!("{other} prlimit --nproc={threads} /proc/self/fd/9 {words}");
        let script =
            format!("exec 9<{BENCH}; unset XDG_RUNTIME_DIR; exec timeout -s INT 2 {limited}");
        let output = sh(&script);
        let text = said(&output);
        assert!(
            !text.contains("panicked") && !text.contains("SIGABRT"),
            "{threads} {words}: {text}"
        );
        let code = output.status.code();
        assert!(code.is_some_and(|code| code < 128), "{threads} {words}: {code:?} {text}");
    }
}

#[test]
fn help_that_cannot_be_printed_is_a_failure_and_a_pipe_that_closes_is_none() {
    for words in ["--help", "--version", "ping --help", "load --version", "scale --help"] {
        let full = sh(&format!("exec {BENCH} {words} >/dev/full"));
        assert_eq!(full.status.code(), Some(5), "{words}");
        assert!(said(&full).contains("error: cannot print: No space left"), "{}", said(&full));
        let closed = sh(&format!("{{ {BENCH} {words}; echo $? >&2; }} | true"));
        assert_eq!(said(&closed), "0\n", "{words}");
    }
}

#[test]
fn passwords_are_not_in_what_is_said_to_wrong_arguments() {
    for words in [
        "ping http://ida:hush@host:x/",
        "load http://ida:hush@host:x/",
        "load --target 'GET http://ida:hush@host:x/'",
        "probe --url http://ida:hush@host:x/",
        "ping -x ida:hush@proxy http://host/",
        "load -x http://ida:hush@proxy/a http://host/",
        "ping http://host/ http://ida:hush@host/",
        "load -n 1 -c 1 http://ida:hush@localhost:1/",
        "ping -c 1 -x ida:hush@localhost:1 http://host/",
    ] {
        let output = sh(&format!("exec {BENCH} {words}"));
        let text = said(&output);
        assert!(!text.contains("hush") && !output.status.success(), "{words}: {text}");
    }
}

#[test]
fn a_password_comes_from_the_environment() {
    let script = format!("BENCH_PASSWORD=p exec {BENCH} load -n 1 -c 1 -U u --json {}", server());
    let output = sh(&script);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn ping_s_h_alone_prints_help() {
    for words in ["ping -h", "ping localhost -h"] {
        let output = sh(&format!("exec {BENCH} {words}"));
        assert_eq!(output.status.code(), Some(0));
        assert!(said(&output).contains("Usage: bench ping"), "{}", said(&output));
    }
    let host = sh(&format!("exec {BENCH} ping -c 1 -h 127.0.0.1 -p {}", server().port()));
    assert_eq!(host.status.code(), Some(0), "{}", said(&host));
}
