//! An app is its user's own: somebody else cannot control it, even if the control socket is left
//! open to everyone.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use app_tests::{Place, Process};

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets everybody reach the control sockets in `place`; returns how many there are.
fn open_to_everybody(place: &Place) -> usize {
    open_to(place.folder(), 0o755);
    open_to(&place.folder().join("dockercoins"), 0o755);
    let mut sockets = 0;
    for folder in place.app_folders() {
        open_to(&folder, 0o755);
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_socket() {
                open_to(&entry.path(), 0o666);
                sockets += 1;
            }
        }
    }
    sockets
}

#[tokio::test]
async fn another_user_cannot_control_the_app() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT TESTED: only root can run bench as another user, and this is not root");
        return;
    }
    let place = Place::fast();
    let up = place.up(&[]).await;
    up.goes_on(1).await;
    assert_eq!(open_to_everybody(&place), 1);
    // Where it was built may be a directory that nobody else can enter.
    let program = place.folder().join("bench-of-nobody");
    fs::copy(place.plain(&[]).get_program(), &program).unwrap();
    let pid = up.process.pid().to_string();
    for words in [&["scale", "--worker", "5"][..], &["scale", "--worker", "5", "--attach", &pid]] {
        let mut command = Command::new(&program);
        command.args(words).current_dir(place.folder()).env_clear();
        command.env("XDG_RUNTIME_DIR", place.folder()).uid(NOBODY).gid(NOBODY);
        let ended = Process::start(&mut command).end().await;
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stderr.contains("another user's"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert_eq!(up.replicas("worker").len(), 1);
    }
    up.goes_on(5).await;
    assert_eq!(up.stop().await.code, Some(0));
}
