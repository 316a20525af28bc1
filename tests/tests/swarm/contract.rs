//! The original app's behaviour, seen from a worker's network over the overlay to tasks on other
//! nodes, and where an operator looks first: Redis's keys and the services' logs.

use app_tests::http::Reply;
use app_tests::lab::PLAIN;
use app_tests::{Lab, within};
use sha2::{Digest as _, Sha256};

/// The network of a running worker.
struct Inside<'a> {
    lab: &'a Lab,
    node: String,
    pid: String,
}

impl Inside<'_> {
    /// Runs a program of this machine in the worker's network.
    async fn run(&self, words: &[&str]) -> String {
        let enter = ["shell", &self.node, "nsenter", "--target", &self.pid, "--net"];
        self.lab.run(&[&enter[..], words].concat()).await
    }

    async fn curl(&self, words: &[&str]) -> Reply {
        let text = self.run(&[&["curl", "-sS", "-i", "-m", "10"][..], words].concat()).await;
        Reply::parse(text.as_bytes()).unwrap_or_else(|| panic!("no answer in {text}"))
    }
}

/// The address of a service's task on the stack's overlay network.
async fn overlay_address(lab: &Lab, service: &str) -> (String, String) {
    let tasks = lab.tasks(&format!("{PLAIN}_{service}")).await;
    let attached = tasks[0]["NetworksAttachments"].as_array().expect("networks");
    let overlay = format!("{PLAIN}_{PLAIN}");
    let own = attached.iter().find(|network| network["Network"]["Spec"]["Name"] == *overlay);
    let address = own.and_then(|network| network["Addresses"][0].as_str()).expect("an address");
    let address = address.split('/').next().expect("before the mask").to_owned();
    (address, lab.home(&tasks[0]).await)
}

/// A worker on another node than `node`. With two workers there is one.
async fn worker_elsewhere<'a>(lab: &'a Lab, node: &str) -> Inside<'a> {
    for task in lab.tasks(&format!("{PLAIN}_worker")).await {
        let home = lab.home(&task).await;
        if home != node {
            let id =
                task["Status"]["ContainerStatus"]["ContainerID"].as_str().expect("a container");
            let container = lab.inspect(&home, &["inspect", id]).await;
            return Inside { lab, node: home, pid: container["State"]["Pid"].to_string() };
        }
    }
    panic!("every worker is on {node}")
}

async fn two_workers(lab: &Lab) {
    lab.docker("m1", &["service", "scale", "--detach", &format!("{PLAIN}_worker=2")]).await;
    within(app_tests::DEADLINE, "two workers", async || {
        let tasks = lab.tasks(&format!("{PLAIN}_worker")).await;
        let running = tasks.iter().filter(|task| task["Status"]["State"] == "running");
        (running.count() == 2).then_some(())
    })
    .await;
}

async fn rng_answers_as_the_originals(inside: &Inside<'_>, address: &str) {
    let url = |path: &str| format!("http://{address}/{path}");
    let root = inside.curl(&[&url("")]).await;
    assert!(root.status == 200 && root.text().starts_with("RNG running on "), "{root:?}");
    assert_eq!(inside.curl(&["-I", &url("")]).await.status, 200);
    let none = inside.curl(&[&url("0")]).await;
    assert_eq!((none.status, none.body.len()), (200, 0));
    assert_eq!(none.header("content-type"), Some("application/octet-stream"));
    let size = ["-o", "/dev/null", "-w", "\r\n\r\n%{http_code} %{size_download}", &url("32")];
    let words = [&["curl", "-sS", "-m", "10"], &size[..]].concat();
    assert_eq!(inside.run(&words).await.trim(), "200 32");
    for wrong in ["abc", "-1"] {
        assert_eq!(inside.curl(&[&url(wrong)]).await.status, 404, "/{wrong}");
    }
}

async fn hasher_answers_as_the_originals(inside: &Inside<'_>, address: &str) {
    let url = format!("http://{address}/");
    let root = inside.curl(&[&url]).await;
    assert!(root.status == 200 && root.text().starts_with("HASHER running on "), "{root:?}");
    assert_eq!(inside.curl(&["-I", &url]).await.status, 200);
    let hash = inside.curl(&["--data-binary", "thirty-two bytes of no randomness", &url]).await;
    let digest = Sha256::digest(b"thirty-two bytes of no randomness");
    let expected: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    // The newline is of the test's own reading; the length says that none was sent.
    assert_eq!((hash.status, hash.text().trim_end()), (200, &*expected));
    assert_eq!(hash.header("content-length"), Some("64"));
    assert!(hash.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert_eq!(inside.curl(&[&format!("{url}other")]).await.status, 404);
}

async fn webui_answers_as_the_originals(inside: &Inside<'_>, address: &str) {
    let url = |path: &str| format!("http://{address}/{path}");
    let root = inside.curl(&[&url("")]).await;
    assert_eq!((root.status, root.header("location")), (302, Some("/index.html")), "{root:?}");
    let page = inside.curl(&[&url("index.html")]).await;
    assert!(page.status == 200 && page.text().contains("<html"), "{page:?}");
    let json = inside.curl(&[&url("json")]).await.json();
    assert!(json["coins"].is_u64() && json["now"].is_f64(), "{json}");
    assert!(json["hashes"].as_str().is_some_and(|text| text.parse::<u64>().is_ok()), "{json}");
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(3), "{json}");
}

#[tokio::test]
async fn the_originals_contract_holds_over_the_overlay_between_nodes() {
    let (lab, stack) = Lab::plain().await;
    two_workers(&lab).await;
    stack.goes_on(5).await;
    let (address, node) = overlay_address(&lab, "rng").await;
    rng_answers_as_the_originals(&worker_elsewhere(&lab, &node).await, &address).await;
    let (address, node) = overlay_address(&lab, "hasher").await;
    hasher_answers_as_the_originals(&worker_elsewhere(&lab, &node).await, &address).await;
    let (address, node) = overlay_address(&lab, "webui").await;
    webui_answers_as_the_originals(&worker_elsewhere(&lab, &node).await, &address).await;
}

#[tokio::test]
async fn redis_holds_the_counter_and_the_wallet_of_right_hashes() {
    let (lab, stack) = Lab::plain().await;
    // Each hash is a coin with a chance of one in 16; after this many there is one.
    within(app_tests::lab::PATIENCE, "a coin", async || {
        (stack.json("/json").await["coins"].as_u64()? > 0).then_some(())
    })
    .await;
    let (address, node) = overlay_address(&lab, "redis").await;
    two_workers(&lab).await;
    let inside = worker_elsewhere(&lab, &node).await;
    let redis = async |words: &[&str]| {
        let text = inside.run(&[&["redis-cli", "-e", "-h", &address][..], words].concat()).await;
        text.trim().to_owned()
    };
    assert_eq!(redis(&["type", "hashes"]).await, "string");
    assert_eq!(redis(&["type", "wallet"]).await, "hash");
    // Besides the original's keys, those of our workers, and what webui writes while it is asked for reports.
    let (keys, prefixes) = (["hashes", "wallet", "observed"], ["worker:", "counted:"]);
    for key in redis(&["--raw", "keys", "*"]).await.lines() {
        let known = keys.contains(&key) || prefixes.iter().any(|own| key.starts_with(own));
        assert!(known, "{key} is a key that no service writes");
    }
    let coin = redis(&["--raw", "hrandfield", "wallet"]).await;
    assert!(coin.starts_with('0') && coin.len() == 64, "{coin}");
    assert_eq!(redis(&["hstrlen", "wallet", &coin]).await, "32");
}

#[tokio::test]
async fn a_managers_engine_shows_the_logs_of_tasks_on_every_node() {
    let (lab, _) = Lab::plain().await;
    two_workers(&lab).await;
    let words = ["docker", "m1", "service", "logs", "--raw"];
    for (service, word) in [
        ("rng", "rng listening on"),
        ("hasher", "hasher listening on"),
        ("webui", "webui listening on"),
        ("worker", "replicas changed"),
    ] {
        let service = format!("{PLAIN}_{service}");
        within(app_tests::DEADLINE, &format!("logs of {service}"), async || {
            let ended = lab.attempt(&[&words[..], &[&*service]].concat()).await;
            assert_eq!(ended.code, Some(0), "{ended:?}");
            (ended.stdout + &ended.stderr).contains(word).then_some(())
        })
        .await;
    }
}
