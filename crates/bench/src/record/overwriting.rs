//! Whether something that is to be written is a file of a run, by whatever name. It writes nothing.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{FINDINGS, PREDICTION, RUN, SAMPLES, SWEEP};

/// The files that a run is read from, or may be some day.
const FILES: [&str; 5] = [RUN, SAMPLES, FINDINGS, PREDICTION, SWEEP];

/// The file of the run in `folder` that writing to `path` would replace: by its name, or through a link.
pub(super) fn input(folder: &Path, path: &Path) -> Option<PathBuf> {
    let there = path.metadata().ok();
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return None,
    };
    let is_beside = is_same(parent.metadata().ok().as_ref(), fs::metadata(folder).ok().as_ref());
    FILES.into_iter().map(|name| folder.join(name)).find(|file| {
        let named = is_beside && path.file_name() == file.file_name();
        named || is_same(there.as_ref(), file.metadata().ok().as_ref())
    })
}

fn is_same(one: Option<&Metadata>, other: Option<&Metadata>) -> bool {
    let identity = |of: &Metadata| (of.dev(), of.ino());
    one.is_some() && one.map(identity) == other.map(identity)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_of_a_run_is_found_by_every_name() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("run");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(SAMPLES), "samples").unwrap();
        let at = |name: &str| place.path().join(name);
        symlink(folder.join(SAMPLES), at("link.html")).unwrap();
        symlink(at("link.html"), at("link-to-link.html")).unwrap();
        fs::hard_link(folder.join(SAMPLES), at("hard.md")).unwrap();
        symlink(&folder, at("folder")).unwrap();
        fs::write(at("other.html"), "page").unwrap();
        for name in [
            "run/samples.ndjson",
            "run/../run/samples.ndjson",
            "link.html",
            "link-to-link.html",
            "hard.md",
            "folder/samples.ndjson",
            "folder/findings.json",
            "run/./sweep.json",
        ] {
            assert!(input(&folder, &at(name)).is_some(), "{name}");
            assert!(input(&at("folder"), &at(name)).is_some(), "{name}");
        }
        for name in ["other.html", "run/report.html", "new.json", "run.json", "no/such/run.json"] {
            assert_eq!(input(&folder, &at(name)), None, "{name}");
        }
    }
}
