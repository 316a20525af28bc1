//! Engines and stacks that bench cannot use: exit code 4 and a sentence that says what to do.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use app_tests::lab::{PATIENCE, PLAIN, REGISTRY};
use app_tests::{Ended, Lab, Process, within};

use crate::{SHORT, measured, refused};

const SWARM: [&str; 5] = ["scale", "--cluster", "swarm", "--output", "json"];

/// `bench scale` with further words on m1's engine.
async fn scale(lab: &Lab, words: &[&str]) -> Ended {
    lab.measure(&[&SWARM[..], &SHORT, words].concat()).await
}

/// `bench scale` on another engine.
fn start_on(lab: &Lab, engine: &str) -> Process {
    let words = [&SWARM[..], &SHORT, &["--engine", engine]].concat();
    Process::start(&mut lab.bench_without_engine(&words))
}

#[tokio::test]
async fn a_missing_stack_is_refused_with_the_command_that_deploys_it() {
    let (lab, _) = Lab::plain().await;
    let ended = scale(&lab, &["--stack", "nosuch"]).await;
    refused(&ended, &["no stack 'nosuch'", PLAIN, "docker stack deploy", "--stack"]);
    let ended = lab.measure(&["status", "--stack", "nosuch"]).await;
    refused(&ended, &["no stack 'nosuch'", PLAIN]);
    let ended = scale(&lab, &["--service", "rng=nosuch"]).await;
    refused(&ended, &["no service 'nosuch'", "--service rng=nosuch", "dockercoins_rng"]);
}

#[tokio::test]
async fn experiments_are_refused_with_the_commands_that_allow_them() {
    let (lab, _) = Lab::plain().await;
    let ended = scale(&lab, &["--inject", "rng=+10ms"]).await;
    let deploy = format!("ALLOW_EXPERIMENTS=true docker stack deploy -c stack.yml {PLAIN}");
    let update = "docker service update --env-add WEBUI_ALLOW_EXPERIMENTS=true dockercoins_webui";
    refused(&ended, &["experiments are off", &deploy, update]);
}

#[tokio::test]
async fn wrong_arguments_are_exit_code_2() {
    let lab = Lab::at_hand();
    for words in [
        &["scale", "--service", "rng"][..],
        &["scale", "--service", "redis=x"],
        &["scale", "--cluster", "swarm", "--own"],
        &["scale", "--engine", "unix:///x", "--context", "y"],
        &["scale", "--inside-image", "x"],
        &["scale", "--worker", "many"],
    ] {
        let ended = lab.measure(words).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains("error: "), "{words:?}: {ended:?}");
    }
}

#[tokio::test]
async fn an_engine_that_is_a_worker_is_refused_with_the_managers_addresses() {
    let (lab, _) = Lab::plain().await;
    let ended = start_on(&lab, &lab.engine("w1")).end().await;
    refused(&ended, &["is a worker of its swarm", "managers: ", ":2377", "--engine"]);
}

/// What answers each connection, until the program ends.
fn answering(mut connection: impl Write + std::io::Read, with: &[u8]) {
    let mut request = [0; 1024];
    let _ = connection.read(&mut request);
    let _ = connection.write_all(with);
}

#[tokio::test]
async fn what_is_no_engine_is_refused() {
    let lab = Lab::at_hand();
    let away = lab.folder().join("away.sock");
    let away = format!("unix://{}", away.display());
    refused(&start_on(&lab, &away).end().await, &["no Docker engine at unix://", "start it"]);

    let garbage = lab.folder().join("garbage.sock");
    let unix = UnixListener::bind(&garbage).unwrap();
    std::thread::spawn(move || {
        unix.incoming().flatten().for_each(|connection| answering(connection, b"\x15\x03 no\n\n"));
    });
    let ended = start_on(&lab, &format!("unix://{}", garbage.display())).end().await;
    refused(&ended, &["what answers there is no Docker engine"]);

    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", tcp.local_addr().unwrap());
    std::thread::spawn(move || {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nblah";
        tcp.incoming().flatten().for_each(|connection| answering(connection, answer));
    });
    let ended = start_on(&lab, &address).end().await;
    refused(&ended, &["what answers there is no Docker engine", &address]);
}

#[tokio::test]
async fn an_engine_that_accepts_and_never_answers_is_given_up() {
    let lab = Lab::at_hand();
    let path = lab.folder().join("silent.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let ended = start_on(&lab, &format!("unix://{}", path.display()))
        .end_within(Duration::from_secs(40))
        .await;
    refused(&ended, &["does not answer ", "stopped", "firewall"]);
    drop(listener);
}

#[tokio::test]
async fn a_service_in_global_mode_cannot_be_scaled_and_can_be_left_alone() {
    let (lab, _) = Lab::plain().await;
    let network = format!("{PLAIN}_{PLAIN}");
    let (image, name) = (format!("{REGISTRY}/rng:latest"), "everywhere");
    let create = ["service", "create", "--detach", "--mode", "global", "--no-resolve-image"];
    // What an attempt that failed has left.
    lab.attempt(&["docker", "m1", "service", "rm", name]).await;
    let rest = ["--name", name, "--network", &network, "--endpoint-mode", "dnsrr", &image];
    lab.docker("m1", &[&create[..], &rest].concat()).await;
    let ended = scale(&lab, &["--rng", "9", "--service", "rng=everywhere"]).await;
    lab.docker("m1", &["service", "rm", name]).await;
    refused(&ended, &["everywhere runs in global mode", "mode: replicated", "--rng"]);
    assert_eq!(lab.asked(PLAIN, "rng").await, 1);
}

#[tokio::test]
async fn services_under_other_names_are_scaled() {
    let (lab, _) = Lab::plain().await;
    // One by the name within the stack, one by the whole name.
    let named = ["--service", "hasher=hasher", "--service", "rng=dockercoins_rng"];
    let counts = ["--hasher", "2", "--rng", "2"];
    let ended = scale(&lab, &[named, counts].concat()).await;
    let replicas = &measured(&ended)["steps"][0]["replicas"];
    assert_eq!((&replicas["hasher"], &replicas["rng"]), (&2.into(), &2.into()));
}

#[tokio::test]
async fn a_swarm_that_lost_most_managers_is_refused_until_they_are_back() {
    let (lab, _) = Lab::plain().await;
    for node in ["m2", "m3"] {
        lab.run(&["kill", node]).await;
    }
    within(PATIENCE, "a swarm without a leader", async || {
        let ended = lab.attempt(&["docker", "m1", "service", "ls"]).await;
        (ended.code != Some(0)).then_some(())
    })
    .await;
    let ended = scale(&lab, &[]).await;
    lab.heal().await;
    refused(&ended, &["the swarm has no leader", "bring back managers"]);
    // Of tasks that went on without a swarm it forgets which ports they have: new ones are made.
    for service in ["rng", "hasher", "webui"] {
        let service = format!("{PLAIN}_{service}");
        lab.docker("m1", &["service", "update", "--force", "--detach", &service]).await;
    }
    let (_, stack) = Lab::plain().await;
    stack.workers_count(1).await;
    stack.goes_on(3).await;
}
