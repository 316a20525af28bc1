//! What clippy cannot hold: length of files, docs of modules, who may print, and that no lint is
//! switched off.

#![expect(clippy::unwrap_used, reason = "what these tests share fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 400;
const MOST_LINES_OF_A_MAIN: usize = 40;

/// The only files that print.
const PRINTING: [&str; 2] = ["crates/bench/src/main.rs", "figures/src/main.rs"];

/// The services' mains.
const MAINS: [&str; 4] = [
    "crates/rng/src/main.rs",
    "crates/hasher/src/main.rs",
    "crates/worker/src/main.rs",
    "crates/webui/src/main.rs",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file of the workspace with its text, by its path from the root.
fn rust_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "figures", "tests"].map(|folder| root().join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "the workspace is not where it was: {found:?}");
    found
}

fn assert_none(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

/// The code without comments, and without the tests at a file's end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(n, line)| (n + 1, line))
}

#[test]
fn files_are_short() {
    let long = rust_files().into_iter().filter_map(|(name, text)| {
        let lines = text.lines().count();
        let most = if MAINS.contains(&&*name) { MOST_LINES_OF_A_MAIN } else { MOST_LINES };
        (lines > most).then(|| format!("{name}: {lines} lines, at most {most}"))
    });
    assert_none("files are short", &long.collect::<Vec<_>>());
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent = rust_files().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    assert_none("a file begins with `//! `", &silent.map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn only_the_main_of_bench_prints() {
    let mut printing = Vec::new();
    for (name, text) in rust_files() {
        let is_source = name.starts_with("crates/") && name.contains("/src/");
        if !is_source || name.contains("/src/bin/") || PRINTING.contains(&&*name) {
            continue;
        }
        let prints = |line: &str| ["println!", "print!"].iter().any(|word| line.contains(word));
        let lines = code(&text).filter(|(_, line)| prints(line));
        printing.extend(lines.map(|(number, line)| format!("{name}:{number}: {}", line.trim())));
    }
    assert_none("only the main of bench prints", &printing);
}

#[test]
fn no_lint_is_switched_off() {
    // Put together here, so that this line is none.
    let switched_off = [concat!("#[", "allow("), concat!("#![", "allow(")];
    let mut lines = Vec::new();
    for (name, text) in rust_files() {
        let off =
            text.lines().enumerate().filter(|(_, l)| switched_off.iter().any(|w| l.contains(w)));
        lines.extend(off.map(|(number, line)| format!("{name}:{}: {}", number + 1, line.trim())));
    }
    assert_none("`expect` with a reason, never `allow`", &lines);
}
