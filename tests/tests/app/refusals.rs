//! What bench does not do: share a port, or guess which of several apps is meant.

use std::net::TcpListener;

use app_tests::Place;
use app_tests::place::same_ports;

#[tokio::test]
async fn a_taken_port_is_refused_with_the_name_of_its_owner() {
    let place = Place::fast();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let own_pid = format!("(pid {})", std::process::id());
    for service in ["webui", "rng", "hasher"] {
        let flag = format!("--{service}-port");
        let ended = place.run(&["up", &flag, &port]).await;
        assert_eq!(ended.code, Some(4), "{ended:?}");
        for part in [&*port, service, &own_pid, &flag] {
            assert!(ended.stderr.contains(part), "no {part} in {}", ended.stderr);
        }
        assert_eq!(ended.stdout, "");
    }
    assert!(place.app_folders().is_empty());
}

#[tokio::test]
async fn of_two_benches_on_the_same_ports_the_first_goes_on() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let owner = format!("(pid {})", up.process.pid());
    let ports = same_ports(up.addresses());
    let ports: Vec<_> = ports.iter().map(String::as_str).collect();
    for words in [&["up"][..], &["scale", "--own", "--output", "json"]] {
        let second = place.run(&[words, &ports].concat()).await;
        assert_eq!(second.code, Some(4), "{second:?}");
        assert!(second.stderr.contains(&owner), "{}", second.stderr);
        assert_eq!(second.stdout, "");
    }
    up.goes_on(5).await;
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn of_several_apps_one_must_be_named() {
    let place = Place::fast();
    let (one, other) = (place.up(&[]).await, place.up(&[]).await);
    let [one_pid, other_pid] = [&one, &other].map(|up| up.process.pid().to_string());
    let short = ["scale", "--worker", "2", "--duration", "100ms", "--warmup", "0"];
    let unsure = place.run(&short).await;
    assert_eq!(unsure.code, Some(4), "{unsure:?}");
    for part in [&*one_pid, &other_pid, "--attach"] {
        assert!(unsure.stderr.contains(part), "no {part} in {}", unsure.stderr);
    }
    let named = place.run(&[&short[..], &["--attach", &other_pid]].concat()).await;
    assert_eq!(named.code, Some(3), "{named:?}");
    assert!(named.stdout.contains(&other_pid), "{}", named.stdout);
    other.has_replicas("worker", 2).await;
    one.has_replicas("worker", 1).await;

    let own_pid = std::process::id().to_string();
    let stranger = place.run(&[&short[..], &["--attach", &own_pid]].concat()).await;
    assert_eq!(stranger.code, Some(4), "{stranger:?}");
    assert!(stranger.stderr.contains(&own_pid), "{}", stranger.stderr);
}

#[tokio::test]
async fn a_directory_that_others_can_enter_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::fast();
    let apps = place.folder().join("dockercoins");
    std::fs::create_dir(&apps).unwrap();
    std::fs::set_permissions(&apps, std::fs::Permissions::from_mode(0o777)).unwrap();
    let ended = place.run(&["up"]).await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("XDG_RUNTIME_DIR"), "{}", ended.stderr);
}
