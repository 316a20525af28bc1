//! An app is its user's own: another user can neither control it nor reach its Redis, even if its
//! directories are left open to everyone, and nothing that another user planted is followed,
//! removed or connected to.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use app_tests::{Ended, Place, Process};

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;
/// A user of whom another one knows the id.
const VICTIM: u32 = 47_110;

/// What a program of another user can do with a unix socket: argument 1 is its path, argument 2
/// what is sent. Prints what comes back.
const TALK: &str = "import socket,sys
s=socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1])
try:
    s.sendall(sys.argv[2].encode()+b'\\n'); print(s.recv(65536).decode())
except OSError as error: print(type(error).__name__)";

/// Only root can run bench as another user.
fn require_root() {
    let root = rustix::process::geteuid().is_root();
    assert!(
        root,
        "this runs bench as several users: run it as root, or in a container where you are"
    );
}

fn open_to(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets everyone reach the sockets in `place`; returns where they are.
fn open_to_everyone(place: &Place) -> Vec<PathBuf> {
    open_to(place.folder(), 0o755);
    open_to(&place.folder().join("dockercoins"), 0o755);
    let mut sockets = Vec::new();
    for folder in place.app_folders() {
        open_to(&folder, 0o755);
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_socket() {
                open_to(&entry.path(), 0o666);
                sockets.push(entry.path());
            }
        }
    }
    sockets.sort();
    sockets
}

/// A copy of bench that every user can run: where it was built may be closed to others.
fn program(place: &Place) -> PathBuf {
    let program = place.folder().join("bench-of-others");
    fs::copy(place.plain(&[]).get_program(), &program).unwrap();
    open_to(place.folder(), 0o755);
    program
}

/// Says `text` to the socket at `path` as a user that owns nothing; returns what comes back.
async fn talk(path: &Path, text: &str) -> Ended {
    let mut command = Command::new("python3");
    command.args(["-c", TALK]).arg(path).arg(text).current_dir("/").uid(NOBODY).gid(NOBODY);
    Process::start(&mut command).end().await
}

#[tokio::test]
async fn another_user_cannot_control_the_app() {
    require_root();
    let place = Place::fast();
    let up = place.up(&[]).await;
    up.goes_on(1).await;
    let sockets = open_to_everyone(&place);
    let program = program(&place);
    let pid = up.process.pid().to_string();
    for words in [&["scale", "--worker", "5"][..], &["scale", "--worker", "5", "--attach", &pid]] {
        let mut command = Command::new(&program);
        command.args(words).current_dir(place.folder()).env_clear();
        command.env("XDG_RUNTIME_DIR", place.folder()).uid(NOBODY).gid(NOBODY);
        let ended = Process::start(&mut command).end().await;
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stderr.contains("belongs to another user (uid 0)"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
        assert_eq!(up.replicas("worker").len(), 1);
    }
    let [control, redis] = sockets.as_slice() else { panic!("{sockets:?}") };
    let told = talk(control, r#"{"request":"status"}"#).await;
    assert!(told.stdout.contains("another user's"), "{told:?}");
    let told = talk(redis, "FLUSHALL").await;
    assert!(!told.stdout.contains("OK"), "{told:?}");
    up.goes_on(5).await;
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn another_user_reaches_neither_the_directory_nor_redis() {
    require_root();
    let place = Place::fast();
    let up = place.up(&["--redis-port", "0"]).await;
    up.goes_on(1).await;
    open_to(place.folder(), 0o755);
    for name in ["control.sock", "redis.sock"] {
        let told = talk(&place.app_folders()[0].join(name), "PING").await;
        assert!(told.stderr.contains("PermissionError"), "{told:?}");
    }
    let secret = place.app_folders()[0].join("redis-password");
    let mut command = Command::new("cat");
    let read = Process::start(command.arg(&secret).uid(NOBODY).gid(NOBODY)).end().await;
    assert_ne!(read.code, Some(0), "{read:?}");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
}

/// A directory for everyone's temporary files, in which a link lies that another user made, and a
/// copy of bench.
struct Shared {
    place: Place,
    temporary: PathBuf,
    program: PathBuf,
}

impl Shared {
    fn new() -> Self {
        let place = Place::fast();
        let program = program(&place);
        let temporary = place.folder().join("tmp");
        fs::create_dir(&temporary).unwrap();
        open_to(&temporary, 0o1777);
        Self { place, temporary, program }
    }

    /// Where the victim's bench keeps its apps.
    fn of_victim(&self) -> PathBuf {
        self.temporary.join(format!("dockercoins-{VICTIM}"))
    }

    /// Runs bench as the victim.
    async fn run(&self, words: &[&str]) -> Ended {
        let mut command = match words {
            // It publishes nothing.
            ["probe", ..] => self.place.plain(words),
            _ => self.place.command(words),
        };
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = Command::new(&self.program);
        command.args(arguments).current_dir("/").env_clear().env("TMPDIR", &self.temporary);
        Process::start(command.uid(VICTIM).gid(VICTIM)).end().await
    }
}

const BRIEFLY: [&str; 7] =
    ["scale", "--worker", "1", "--duration", "100ms", "--settle-timeout", "1s"];

#[tokio::test]
async fn a_link_that_another_user_made_is_not_followed() {
    require_root();
    let shared = Shared::new();
    let music = shared.temporary.join("music");
    // Process ids that there are not, as names of the victim's own directories.
    let numbered = ["4194301", "4194302"].map(|name| music.join(name));
    for folder in &numbered {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("control.sock"), "precious").unwrap();
        chown(folder, Some(VICTIM), Some(VICTIM)).unwrap();
        open_to(folder, 0o700);
    }
    chown(&music, Some(VICTIM), Some(VICTIM)).unwrap();
    open_to(&music, 0o700);
    symlink(&music, shared.of_victim()).unwrap();
    for words in [&BRIEFLY[..], &[&BRIEFLY[..], &["--own"]].concat(), &["up"], &["probe"]] {
        let ended = shared.run(words).await;
        assert_eq!(ended.code, Some(4), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains("a link or a file"), "{}", ended.stderr);
        assert!(ended.stderr.contains("XDG_RUNTIME_DIR"), "{}", ended.stderr);
        for folder in &numbered {
            assert_eq!(fs::read_to_string(folder.join("control.sock")).unwrap(), "precious");
        }
    }
}

#[tokio::test]
async fn a_directory_that_another_user_made_is_not_connected_to() {
    require_root();
    let shared = Shared::new();
    let bait = shared.of_victim().join("77");
    fs::create_dir_all(&bait).unwrap();
    let listener = UnixListener::bind(bait.join("control.sock")).unwrap();
    listener.set_nonblocking(true).unwrap();
    open_to(&bait.join("control.sock"), 0o777);
    for owner in [NOBODY, VICTIM] {
        chown(&bait, Some(owner), Some(owner)).unwrap();
        for mode in [0o700, 0o755, 0o777] {
            chown(shared.of_victim(), Some(NOBODY), Some(NOBODY)).unwrap();
            open_to(&shared.of_victim(), mode);
            let ended = shared.run(&BRIEFLY).await;
            assert_eq!(ended.code, Some(4), "{ended:?}");
            assert!(ended.stderr.contains("belongs to another user"), "{}", ended.stderr);
        }
    }
    assert!(listener.accept().is_err(), "bench connected to another user's socket");
    // The victim's own directory, with a socket in it on which another user listens.
    chown(shared.of_victim(), Some(VICTIM), Some(VICTIM)).unwrap();
    open_to(&shared.of_victim(), 0o700);
    open_to(&bait, 0o700);
    let ended = shared.run(&BRIEFLY).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("another user's"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_runtime_directory_that_others_can_write_to_is_refused() {
    let place = Place::fast();
    for (mode, why) in [(0o777, "others can write"), (0o1777, "others can write")] {
        open_to(place.folder(), mode);
        for words in [&["up"][..], &BRIEFLY[..]] {
            let ended = place.run(words).await;
            assert_eq!(ended.code, Some(4), "{ended:?}");
            assert!(ended.stderr.contains(why), "{}", ended.stderr);
        }
    }
    open_to(place.folder(), 0o700);
    for (folder, why) in [("relative", "not an absolute path"), ("/nowhere/at/all", "not exist")] {
        let mut command = place.command(&["up"]);
        let ended = Process::start(command.env("XDG_RUNTIME_DIR", folder)).end().await;
        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn only_what_bench_left_is_removed_with_a_stale_directory() {
    let place = Place::fast();
    let apps = place.folder().join("dockercoins");
    let (left, kept) = (apps.join("4194301"), apps.join("4194302"));
    for folder in [&apps, &left, &kept] {
        fs::create_dir(folder).unwrap();
        open_to(folder, 0o700);
    }
    for name in ["rng", "hasher", "redis-password"] {
        fs::write(left.join(name), "").unwrap();
        fs::write(kept.join(name), "").unwrap();
    }
    fs::write(kept.join("letter"), "precious").unwrap();
    let elsewhere = place.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("rng"), "precious").unwrap();
    symlink(&elsewhere, apps.join("4194303")).unwrap();
    assert_eq!(place.run(&BRIEFLY).await.code, Some(3));
    assert!(!left.exists());
    let names: Vec<_> = fs::read_dir(&kept).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["letter"]);
    assert_eq!(fs::read_to_string(elsewhere.join("rng")).unwrap(), "precious");
}
