//! Where the programs of these figures are: our own C programs and oha beside the directory of
//! bench, in `peers`; the others where PATH leads.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::lab::{self, Lab};

/// What to do about one that is missing.
pub(crate) const ADVICE: &str = "`make peers` builds or installs what these figures need";

/// A program of these figures: `target/peers/NAME`, `target/peers/bin/NAME`, or as PATH finds it.
pub(super) fn find(lab: &Lab, name: &str) -> anyhow::Result<PathBuf> {
    beside(lab, name)
        .or_else(|| lab::is_installed(name).then(|| PathBuf::from(name)))
        .with_context(|| format!("no program {name}; {ADVICE}"))
}

/// Whether `find` will find it.
pub(crate) fn is_installed(lab: &Lab, name: &str) -> bool {
    find(lab, name).is_ok()
}

fn beside(lab: &Lab, name: &str) -> Option<PathBuf> {
    let bench = lab.program("bench").ok()?;
    let folder = bench.parent()?.parent()?.join("peers");
    [folder.join(name), folder.join("bin").join(name)].into_iter().find(|path| path.is_file())
}
