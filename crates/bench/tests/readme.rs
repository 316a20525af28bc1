//! What the README tells to type is what there is: its bench commands parse, its make targets
//! exist, and its links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use bench::cli::Cli;
use clap::Parser as _;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap_or_default()
}

/// The lines of all `sh` blocks, an `&&` making two of one.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = !inside && line == "```sh";
        } else if inside {
            commands.extend(line.split("&&").map(|command| command.trim().to_owned()));
        }
    }
    commands
}

/// A word as the shell hands it on.
fn unquoted(word: &str) -> &str {
    word.trim_matches('\'')
}

#[test]
fn commands_of_the_readme_are_understood() {
    let commands = commands(&readme());
    let mut understood = 0;
    for command in &commands {
        let arguments = command
            .strip_prefix("cargo run --release -p bench -- ")
            .or_else(|| command.strip_prefix("bench "));
        if let Some(arguments) = arguments {
            let words = std::iter::once("bench").chain(arguments.split_whitespace().map(unquoted));
            let parsed = Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
            understood += 1;
        }
    }
    assert!(understood >= 4, "the README's commands were not found in {commands:?}");
}

#[test]
fn make_targets_of_the_readme_exist() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let commands = commands(&readme());
    let lines = commands.iter().filter_map(|c| c.strip_prefix("make "));
    let targets: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    assert!(targets.contains(&"test"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "no target {target} in the Makefile");
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut broken = Vec::new();
    let documents = [
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/measuring.md",
        "docs/report.md",
    ];
    for document in documents {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let outside = link.is_empty() || link.contains("://");
            if !outside && !path.parent().unwrap().join(link).exists() {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
