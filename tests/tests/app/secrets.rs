//! A password of Redis is in no argument of a child, no recorded run, report, log or error, by
//! whichever way it is given.

#![expect(clippy::unwrap_used, reason = "unwrapping is how a test fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use app_tests::{Place, Process, RedisServer, Up, eventually};

const PASSWORD: &str = "kn0ck-knock";
const USER: &str = "mallard";

fn assert_none(what: &str, text: &str) {
    for secret in [PASSWORD, USER] {
        assert!(!text.contains(secret), "{secret} in {what}: {text}");
    }
}

/// The arguments of every process of the app but bench itself.
fn arguments_of_children(up: &Up) -> String {
    let children = up.process.children();
    assert!(children.len() >= 4, "{children:?}");
    let line = |pid| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let lines = children.iter().map(|child| line(child.pid)).collect::<Vec<_>>().concat();
    String::from_utf8_lossy(&lines).into_owned()
}

fn password_file(place: &Place, mode: u32) -> PathBuf {
    let path = place.folder().join("password");
    fs::write(&path, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

/// Runs an app that logs in to `redis` by these settings, and looks at all it says.
async fn says_nothing(place: Place, words: &[&str]) {
    let up = place.up(&[&["--worker", "2"], words].concat()).await;
    up.goes_on(3).await;
    assert_none("arguments", &arguments_of_children(&up));
    for path in ["/health", "/json", "/api/observation?by=worker"] {
        assert_none(path, &up.ask(path).await.text());
    }
    let ended = up.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_none("logs", &format!("{}{}", ended.stdout, ended.stderr));
}

#[tokio::test]
async fn a_password_by_any_way_is_used_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    redis.require_login(USER, PASSWORD).await;
    let address = redis.address().to_string();
    let url = format!("redis://{USER}:{PASSWORD}@{address}");
    let plain = ["--redis", &address, "--redis-user", USER];
    says_nothing(Place::fast().with("BENCH_REDIS", &url), &[]).await;
    says_nothing(Place::fast(), &["--redis", &url]).await;
    says_nothing(Place::fast().with("BENCH_REDIS_PASSWORD", PASSWORD), &plain).await;
    let place = Place::fast();
    let file = password_file(&place, 0o600).to_string_lossy().into_owned();
    says_nothing(place, &[&plain[..], &["--redis-password-file", &file]].concat()).await;
}

#[tokio::test]
async fn a_recorded_run_and_its_reports_hold_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    redis.require_login(USER, PASSWORD).await;
    let url = format!("redis://{USER}:{PASSWORD}@{}", redis.address());
    let place = Place::fast();
    let briefly = ["--duration", "300ms", "--warmup", "100ms", "--redis", &url];
    for (command, out) in [("scale", "run"), ("sweep", "grid")] {
        let words = [&[command, "--worker", "1", "--out", out], &briefly[..]].concat();
        let ended = place.run(&words).await;
        assert!([Some(0), Some(3)].contains(&ended.code), "{ended:?}");
        assert_none(command, &format!("{}{}", ended.stdout, ended.stderr));
        for file in fs::read_dir(place.folder().join(out)).unwrap().flatten() {
            let text = fs::read_to_string(file.path()).unwrap();
            assert_none(&file.path().to_string_lossy(), &text);
        }
        let written = fs::read_to_string(place.folder().join(out).join("run.json")).unwrap();
        let shown = format!("redis://***@{}", redis.address());
        assert!(written.contains(&shown), "{written}");
    }
    for format in ["html", "markdown", "json"] {
        let mut command = place.plain(&["report", "run", "--format", format, "--out", "told"]);
        let report = Process::start(&mut command).end().await;
        assert_eq!(report.code, Some(0), "{report:?}");
        let told = fs::read_to_string(place.folder().join("told")).unwrap();
        assert_none(format, &told);
    }
}

/// Redis takes any characters, and so does the address, but for those that end it.
#[tokio::test]
async fn a_password_with_quotes_and_spaces_is_in_no_recorded_run_or_report() {
    const WORDS: [&str; 5] = ["Gans", "Ente", "Pfau", "Huhn", "Zeisig"];
    let none = |what: &str, text: &str| {
        for word in WORDS {
            assert!(!text.contains(word), "{word} in {what}: {text}");
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    redis.require_login(USER, "Gans'Ente\"Pfau<Huhn Zeisig").await;
    let url = format!("redis://{USER}:Gans'Ente\"Pfau<Huhn Zeisig@{}", redis.address());
    let place = Place::fast();
    let words = ["scale", "--worker", "1", "--out", "run", "--redis", &url];
    let briefly = ["--duration", "300ms", "--warmup", "100ms"];
    let ended = place.run(&[&words[..], &briefly[..]].concat()).await;
    assert!([Some(0), Some(3)].contains(&ended.code), "{ended:?}");
    none("scale", &format!("{}{}", ended.stdout, ended.stderr));
    for file in fs::read_dir(place.folder().join("run")).unwrap().flatten() {
        none(&file.path().to_string_lossy(), &fs::read_to_string(file.path()).unwrap());
    }
    for format in ["html", "markdown", "json"] {
        let mut command = place.plain(&["report", "run", "--format", format, "--out", "shown"]);
        let report = Process::start(&mut command).end().await;
        assert_eq!(report.code, Some(0), "{report:?}");
        none(format, &fs::read_to_string(place.folder().join("shown")).unwrap());
    }
}

/// A replica's environment holds the login that it needs, and no other.
#[tokio::test]
async fn replicas_get_only_the_passwords_that_they_need() {
    const OTHERS: [&str; 4] =
        ["BENCH_PASSWORD", "BENCH_PROXY_PASSWORD", "WORKER_REDIS_PASSWORD", "WEBUI_REDIS"];
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    redis.require_login(USER, PASSWORD).await;
    let url = format!("redis://{USER}:{PASSWORD}@{}", redis.address());
    let mut place = Place::fast().with("BENCH_REDIS", &url);
    for variable in OTHERS {
        place = place.with(variable, &format!("redis://{variable}-secret"));
    }
    let up = place.up(&["--worker", "1"]).await;
    up.goes_on(1).await;
    for child in up.process.children() {
        let environment = fs::read(format!("/proc/{}/environ", child.pid)).unwrap();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(!environment.contains("-secret"), "{:?}: {environment}", child.arguments());
        let needs =
            ["worker", "webui"].iter().any(|name| child.arguments().iter().any(|a| a == name));
        assert_eq!(environment.contains(PASSWORD), needs, "{:?}", child.arguments());
    }
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn errors_about_redis_hold_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisServer::start(folder.path()).await;
    redis.require_login(USER, "another").await;
    let url = format!("redis://{USER}:{PASSWORD}@{}", redis.address());
    let place = Place::fast().with("BENCH_REDIS", &url);
    let up = place.up(&["--worker", "1"]).await;
    let reply = eventually("webui's error", async || {
        let reply = up.ask("/json").await;
        (reply.status == 503).then_some(reply)
    });
    assert_none("webui's error", &reply.await.text());
    assert_none("arguments", &arguments_of_children(&up));
    let ended = up.stop().await;
    // What the client library makes of Redis's WRONGPASS.
    assert!(ended.stdout.contains("Password authentication failed"), "{ended:?}");
    assert_none("logs", &format!("{}{}", ended.stdout, ended.stderr));
    let plain = Place::fast();
    for wrong in [
        format!("{USER}:{PASSWORD}@host:1"),
        format!("redis://{USER}:{PASSWORD}@host:port"),
        format!("redis://{USER}:a/{PASSWORD}@host"),
        format!("rediss://{USER}:{PASSWORD}@host"),
        format!("redis://:{PASSWORD}"),
    ] {
        for (place, words) in [
            (Place::fast(), vec!["up", "--redis", &wrong]),
            (Place::fast().with("BENCH_REDIS", &wrong), vec!["scale"]),
        ] {
            let ended = place.run(&words).await;
            assert_eq!(ended.code, Some(2), "{ended:?}");
            assert_none(&wrong, &format!("{}{}", ended.stdout, ended.stderr));
        }
    }
    let file = password_file(&plain, 0o640).to_string_lossy().into_owned();
    for server in [["--redis", "127.0.0.1:1"], ["--redis-port", "0"]] {
        let words = [&["up", "--redis-password-file", &file], &server[..]].concat();
        let ended = plain.run(&words).await;
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("other users can read"), "{}", ended.stderr);
    }
}
