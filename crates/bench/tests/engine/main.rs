//! bench against an engine of a few lines on a unix socket: what a real one does rarely, and only
//! when it wants to.

mod fake;

use std::time::Duration;

use bench::cluster::swarm::endpoint::Asked;
use bench::cluster::swarm::{Found, Setup, Swarm};
use bench::cluster::{Change, Cluster, Service};
use fake::Engine;
use hyper::StatusCode;
use serde_json::json;

fn setup(engine: &Engine) -> Setup {
    Setup {
        engine: Asked { engine: Some(engine.address()), context: None },
        stack: "shop".to_owned(),
        ..Setup::default()
    }
}

fn rng(replicas: u32) -> Change {
    Change { rng: Some(replicas), ..Change::default() }
}

#[tokio::test]
async fn what_was_scaled_is_put_back_and_nothing_else() {
    let engine = Engine::start();
    let mut swarm = Swarm::find(&setup(&engine)).await.unwrap();
    swarm.scale(rng(5)).await.unwrap();
    swarm.status().await.unwrap();
    swarm.scale(rng(7)).await.unwrap();
    engine.change("worker", |worker| worker["Spec"]["Mode"]["Replicated"]["Replicas"] = json!(9));
    assert!(swarm.left_behind(true).unwrap().contains("docker service scale shop_rng=1"));
    assert_eq!(swarm.left_behind(false), None);
    swarm.leave(true).await.unwrap();
    let replicas = |name| engine.service(name)["Spec"]["Mode"]["Replicated"]["Replicas"].clone();
    assert_eq!((replicas("rng"), replicas("worker")), (json!(1), json!(9)));
}

#[tokio::test]
async fn experiments_are_switched_on_by_the_names_of_the_stack_and_its_services() {
    let engine = Engine::start();
    let swarm = Swarm::find(&setup(&engine)).await.unwrap();
    let commands = Cluster::Swarm(Box::new(swarm)).experiments_on();
    for line in [
        "ALLOW_EXPERIMENTS=true docker stack deploy -c stack.yml shop",
        "docker service update --env-add WORKER_ALLOW_EXPERIMENTS=true shop_worker",
        "docker service update --env-add RNG_ALLOW_EXPERIMENTS=true shop_rng",
        "docker service update --env-add HASHER_ALLOW_EXPERIMENTS=true shop_hasher",
        "docker service update --env-add WEBUI_ALLOW_EXPERIMENTS=true shop_webui",
    ] {
        assert!(commands.lines().any(|command| command.trim() == line), "no {line} in {commands}");
    }
}

#[tokio::test]
async fn scaling_changes_the_replicas_and_nothing_else() {
    let engine = Engine::start();
    let mut swarm = Swarm::find(&setup(&engine)).await.unwrap();
    let before = engine.service("rng");
    swarm.scale(rng(5)).await.unwrap();
    let mut expected = before["Spec"].clone();
    expected["Mode"]["Replicated"]["Replicas"] = json!(5);
    assert_eq!(engine.service("rng")["Spec"], expected);
    assert_eq!(engine.updates(), ["rng"], "services that have what they should are left alone");
}

#[tokio::test]
async fn a_change_by_somebody_else_in_between_is_read_and_kept() {
    let engine = Engine::start();
    let mut swarm = Swarm::find(&setup(&engine)).await.unwrap();
    engine.interfere(3);
    swarm.scale(rng(4)).await.unwrap();
    let spec = engine.service("rng")["Spec"].clone();
    assert_eq!(spec["Mode"]["Replicated"]["Replicas"], 4);
    assert_eq!(spec["Labels"]["interfered"], "3", "what the other one set is still there");
    engine.interfere(u32::MAX);
    let error = swarm.scale(rng(6)).await.unwrap_err();
    assert!(error.to_string().contains("somebody else"), "{error}");
}

#[tokio::test]
async fn the_version_both_know_is_in_every_request() {
    let engine = Engine::start();
    Swarm::find(&setup(&engine)).await.unwrap();
    let paths = engine.paths();
    assert_eq!(paths[0], "/version");
    assert!(paths[1..].iter().all(|path| path.starts_with("/v1.41/")), "{paths:?}");
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (path, status, body, expected) in [
        ("/version", 200, json!({"ApiVersion": "1.24"}), "20.10 or newer"),
        ("/version", 200, json!("what?"), "no Docker engine"),
        ("/info", 200, json!({"Swarm": {"LocalNodeState": "inactive"}}), "docker swarm init"),
        ("/info", 200, json!({"Swarm": {"LocalNodeState": "locked"}}), "docker swarm unlock"),
        (
            "/info",
            200,
            json!({"Swarm": {"LocalNodeState": "active", "ControlAvailable": false,
                             "RemoteManagers": [{"Addr": "10.0.0.1:2377"}]}}),
            "managers: 10.0.0.1:2377",
        ),
        (
            "/services",
            500,
            json!({"message": "rpc error: code = Unknown desc = The swarm does not have a leader"}),
            "bring back managers",
        ),
        (
            "/services",
            403,
            json!({"message": "authorization denied by plugin"}),
            "denied by plugin",
        ),
        ("/services", 200, json!([]), "stacks: none"),
    ] {
        let engine = Engine::start();
        engine.answer(path, StatusCode::from_u16(status).unwrap(), body);
        let error = Swarm::find(&setup(&engine)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{path}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_swarm_without_a_leader_is_waited_for() {
    let engine = Engine::start();
    let mut swarm = Swarm::find(&setup(&engine)).await.unwrap();
    let lost = json!({"message": "rpc error: The swarm does not have a leader"});
    engine.answer("/tasks", StatusCode::INTERNAL_SERVER_ERROR, lost);
    let leader_again = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        engine.answer("/tasks", StatusCode::OK, json!([]));
    };
    let (status, ()) = tokio::join!(swarm.status(), leader_again);
    assert_eq!(status.unwrap().service(Service::Rng).unwrap().wanted, 1);
}

#[tokio::test]
async fn a_service_in_global_mode_is_not_scaled() {
    let engine = Engine::start();
    engine.change("rng", |service| service["Spec"]["Mode"] = json!({"Global": {}}));
    let mut swarm = Swarm::find(&setup(&engine)).await.unwrap();
    let error = swarm.scale(rng(5)).await.unwrap_err();
    assert!(error.to_string().contains("mode: replicated"), "{error}");
    swarm.scale(Change { worker: Some(3), ..Change::default() }).await.unwrap();
    assert_eq!(engine.updates(), ["worker"]);
}

#[tokio::test]
async fn what_is_no_engine_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker.sock");
    let asked = |path: &std::path::Path| Setup {
        engine: Asked { engine: Some(format!("unix://{}", path.display())), context: None },
        stack: "shop".to_owned(),
        ..Setup::default()
    };
    let error = Swarm::find(&asked(&path)).await.unwrap_err().to_string();
    assert!(error.contains("start it, or name another"), "{error}");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail ready\r\n").await;
        }
    });
    let error = Swarm::find(&asked(&path)).await.unwrap_err().to_string();
    assert!(error.contains("no Docker engine"), "{error}");
    let found = Swarm::look_for(&asked(&path)).await;
    assert!(matches!(found, Found::Nothing { explicit: true, .. }), "{found:?}");
}
