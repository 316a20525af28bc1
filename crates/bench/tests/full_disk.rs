//! A full disk: exit code 5 wherever bench writes, with its results printed all the same; and reports that
//! would replace what they are made from.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const BENCH: &str = env!("CARGO_BIN_EXE_bench");
const SCALE: [&str; 8] =
    ["scale", "--cluster", "sim", "--worker", "2,3", "--duration", "30s", "--out"];

fn bench(words: &[&str]) -> Output {
    Command::new(BENCH).args(words).output().unwrap()
}

/// With standard output to a device that is always full.
fn printed_to_nowhere(words: &[&str]) -> (Option<i32>, String) {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(BENCH).args(words).stdout(Stdio::from(full)).output().unwrap();
    (output.status.code(), text(&output.stderr))
}

/// In a mount namespace of its own, in which `/mnt` is a file system of this size.
fn on_a_small_disk(size: &str, script: &str) -> Output {
    let whole = format!("mount -t tmpfs -o size={size} none /mnt && cd /mnt && {script}");
    let words = ["--map-root-user", "--mount", "sh", "-c", &whole];
    let output = Command::new("unshare").args(words).env("BENCH", BENCH).output().unwrap();
    assert!(
        !text(&output.stderr).starts_with("unshare:"),
        "this test needs user and mount namespaces: {}",
        text(&output.stderr)
    );
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Answers each request with 200, until the test's process ends.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                }
            });
        }
    });
    address
}

/// A recorded run.
fn recorded(folder: &Path) -> String {
    let run = folder.join("run").to_str().unwrap().to_owned();
    let output = bench(&[&SCALE[..], &[&run]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    run
}

#[test]
fn results_that_cannot_be_printed_are_exit_code_five() {
    let folder = tempfile::tempdir().unwrap();
    let (run, url) = (recorded(folder.path()), format!("http://{}/", server()));
    let save = folder.path().join("load.json");
    let save = save.to_str().unwrap();
    let load = ["load", "-n", "20", "-c", "1", "--save", save, &url];
    let all: [&[&str]; 9] = [
        &["plan", "--target", "20"],
        &["report", &run],
        &["report", "--schema"],
        &["compare", &run, &run],
        &SCALE[..SCALE.len() - 1],
        &["ping", "-c", "1", "-G", &url],
        &["ping", "-c", "1", "-G", "--json", &url],
        &["probe", "--count", "1", "--url", &url],
        &load,
    ];
    for words in all {
        let (code, said) = printed_to_nowhere(words);
        assert_eq!(code, Some(5), "{words:?}: {said}");
        assert!(said.contains("No space left"), "{words:?}: {said}");
    }
    // What could be written was.
    assert_eq!(bench(&["compare", save, save]).status.code(), Some(0));
}

#[test]
fn files_that_cannot_be_written_are_exit_code_five_and_results_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (run, url) = (recorded(folder.path()), format!("http://{}/", server()));
    let load = |flag| bench(&["load", "-n", "20", "-c", "1", flag, "/dev/full", &url]);
    for flag in ["--save", "--hgrm", "--hlog", "--csv", "--ndjson"] {
        let output = load(flag);
        assert_eq!(output.status.code(), Some(5), "{flag}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("requests"), "{flag}");
    }
    let output = bench(&["ping", "-c", "2", "-i", "0.01", "-G", "--histogram", "/dev/full", &url]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("2 ok"), "{}", text(&output.stdout));
    for words in [
        &["report", &run, "--format", "html", "-o", "/dev/full"][..],
        &["report", "--schema", "-o", "/dev/full"],
    ] {
        let output = bench(words);
        assert_eq!(output.status.code(), Some(5), "{words:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_run_goes_on_to_its_results_when_the_disk_fills_up() {
    let scale = format!("\"$BENCH\" {} run", SCALE.join(" "));
    // Room for the beginning of a run, none for a step.
    let output = on_a_small_disk("16k", &scale);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("hashes/s"), "{output:?}");
    assert!(text(&output.stderr).contains("samples.ndjson"), "{output:?}");
    // No room at all.
    let output = on_a_small_disk("16k", &format!("cat /dev/zero > zeros; {scale}"));
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    let output = on_a_small_disk("16k", "\"$BENCH\" report --schema -o schema.json");
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
}

#[test]
fn a_report_never_replaces_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = recorded(folder.path());
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::os::unix::fs::symlink(format!("{run}/samples.ndjson"), at("symlink.html")).unwrap();
    fs::hard_link(format!("{run}/run.json"), at("hardlink.md")).unwrap();
    std::os::unix::fs::symlink(format!("{run}/samples.ndjson"), at("aside.html.new")).unwrap();
    let before: Vec<_> = ["run.json", "samples.ndjson", "findings.json"]
        .map(|name| (name, fs::read(format!("{run}/{name}")).unwrap()))
        .into();
    let names = [
        "run/run.json",
        "run/samples.ndjson",
        "run/findings.json",
        "run/sweep.json",
        "run/../run/run.json",
        "symlink.html",
        "hardlink.md",
        "aside.html",
    ];
    for name in names {
        let output = bench(&["report", &run, "--format", "json", "--out", &at(name)]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("the report is made from"), "{name}");
    }
    for (name, bytes) in before {
        assert_eq!(fs::read(format!("{run}/{name}")).unwrap(), bytes, "{name} was changed");
    }
    assert_eq!(bench(&["report", &run, "-o", &at("page.html")]).status.code(), Some(0));
}

#[test]
fn a_load_never_replaces_what_it_reads_or_writes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("body"), "to be sent").unwrap();
    let url = format!("http://{}/", server());
    for words in [
        &["--body-file", &at("body"), "--save", &at("body")][..],
        &["--save", &at("same"), "--csv", &at("same")],
    ] {
        let output = bench(&[&["load", "-n", "1", "-c", "1"], words, &[&url]].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output.stderr));
    }
    assert_eq!(fs::read_to_string(at("body")).unwrap(), "to be sent");
}
