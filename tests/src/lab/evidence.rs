//! What the lab is like when a test fails, on standard error: its nodes, every stack's tasks with
//! their errors, what `bench status` makes of them, and what workers and engines wrote last. Where
//! there is no answer it says so and goes on.

#![expect(clippy::print_stderr, reason = "the one who reads why a test failed needs it")]

use std::path::Path;

use super::Lab;
use crate::place::program;

/// What engines write much of and what says nothing of a failure: their connections to managers, the
/// registry that is not there, each container's beginning and end, statistics, and what asking for
/// their networks makes them write.
const NOISE: [&str; 9] = [
    "[core]",
    "127.0.0.1:5000",
    "shim",
    "loading plugin",
    "signal loop",
    "ignoring event",
    "kernel parameter",
    "NetworkDB stats",
    "Inconsistent driver",
];
/// Lines of a log.
const LAST: usize = 15;
/// Characters of a line of an engine's log.
const WIDTH: usize = 240;

/// Prints it.
pub(super) fn show(lab: &Lab) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let run = root.join("lab/lab");
    print("nodes", &output(lab, &run, &["status"]));
    let docker = |words: &[&str]| output(lab, &run, &[&["docker", "m1"], words].concat());
    for stack in docker(&["stack", "ls", "--format", "{{.Name}}"]).lines() {
        let row = "{{.Name}} on {{.Node}}: {{.CurrentState}}, to be {{.DesiredState}} {{.Error}}";
        let tasks = docker(&["stack", "ps", "--no-trunc", "--format", row, stack]);
        print(&format!("tasks of {stack}"), &tasks);
        let status = ["status", "--stack", stack];
        print(&format!("bench {}", status.join(" ")), &output(lab, &program(), &status));
        let worker = format!("{stack}_worker");
        print(&format!("logs of {worker}"), &docker(&["service", "logs", "--tail", "5", &worker]));
    }
    for node in lab.nodes() {
        let log = output(lab, &run, &["logs", &node]);
        let noise = |line: &&str| NOISE.iter().any(|words| line.contains(words));
        let lines: Vec<_> = log.lines().filter(|line| !noise(line)).collect();
        let last = lines[lines.len().saturating_sub(LAST)..].iter();
        let short = last.map(|line| line.chars().take(WIDTH).chain(['\n']).collect::<String>());
        print(&format!("the engine of {node}"), &short.collect::<String>());
    }
}

/// What a program printed, and complained about. It gets 20 s: what hangs must not hide the rest.
fn output(lab: &Lab, program: &Path, words: &[&str]) -> String {
    let mut command = lab.command(Path::new("timeout"));
    command.arg("20").arg(program).args(words).env("DOCKER_HOST", lab.engine("m1"));
    match command.output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(&text).into_owned()
        }
        Err(error) => format!("{}: {error}\n", program.display()),
    }
}

fn print(what: &str, text: &str) {
    eprintln!("--- {what}\n{}", text.trim_end());
}
