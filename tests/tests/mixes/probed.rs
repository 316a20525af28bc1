//! `bench probe` on the original, which reports neither its queue nor how many requests it works on at a time.

use app_tests::mix::{Addresses, Kind, Peers, Service, ready, start};
use app_tests::{Ended, Place, Process, RedisServer, eventually};
use serde_json::Value;

/// Workers of the tutorial, whose requests queue at rng: of ours, since ten of the original's keep a machine busy.
const MANY: &str = "10";

/// rng and hasher of the original, and perhaps workers.
struct Original {
    addresses: Addresses,
    _redis: RedisServer,
    _processes: Vec<Process>,
}

impl Original {
    async fn start(place: &Place, workers: Option<&str>) -> Self {
        let addresses = Addresses::new();
        let redis = RedisServer::start(place.folder()).await;
        let [rng, hasher] = [Service::Rng, Service::Hasher].map(|service| addresses.of(service));
        let peers = Peers { rng, hasher, redis: redis.address() };
        let mut processes = Vec::new();
        for service in [Service::Rng, Service::Hasher] {
            let mut process = start(service, Kind::Theirs, addresses, peers);
            ready(service, Kind::Theirs, &mut process, addresses.of(service)).await;
            processes.push(process);
        }
        if let Some(workers) = workers {
            let [rng, hasher] = [rng, hasher].map(|address| address.to_string());
            let redis_at = redis.address().to_string();
            let words = ["service", "worker", "--virtual-workers", workers, "--redis", &redis_at];
            let peers = ["--rng", &rng, "--hasher", &hasher];
            processes.push(Process::start(&mut place.plain(&[&words[..], &peers].concat())));
            eventually("hashes", async || (redis.hashes().await >= 20).then_some(())).await;
        }
        Self { addresses, _redis: redis, _processes: processes }
    }

    /// `bench probe` of rng and hasher by these paths.
    async fn probe(&self, place: &Place, paths: &[(Service, &str)]) -> Ended {
        let mut words = ["probe", "--count", "8", "--interval", "400ms", "--output", "json"]
            .map(str::to_owned)
            .to_vec();
        for (service, path) in paths {
            let address = self.addresses.of(*service);
            words
                .extend(["--url".to_owned(), format!("{}=http://{address}{path}", service.name())]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Process::start(&mut place.plain(&words)).end().await
    }
}

fn kind<'a>(json: &'a Value, field: &str) -> &'a Value {
    &json[field]["kind"]
}

#[tokio::test]
async fn ten_workers_queue_at_rng() {
    let place = Place::nominal();
    let original = Original::start(&place, Some(MANY)).await;
    for paths in [
        &[(Service::Rng, "/"), (Service::Rng, "/32"), (Service::Hasher, "/")][..],
        &[(Service::Rng, "/"), (Service::Hasher, "/")],
    ] {
        let ended = original.probe(&place, paths).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let json = ended.json();
        assert_eq!(kind(&json, "verdict"), "queue", "{json}");
        assert_eq!(json["verdict"]["service"], "rng", "{json}");
        assert_eq!(json["verdict"]["waiting"], Value::Null, "nothing reports how many: {json}");
    }
}

#[tokio::test]
async fn without_workers_there_is_no_queue() {
    let place = Place::nominal();
    let original = Original::start(&place, None).await;
    let paths = [(Service::Rng, "/"), (Service::Rng, "/32"), (Service::Hasher, "/")];
    let json = original.probe(&place, &paths).await.json();
    assert_ne!(kind(&json, "verdict"), "queue", "{json}");
    // A path of which nothing is known shows nothing.
    let ended = original.probe(&place, &[(Service::Rng, "//")]).await;
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(kind(&ended.json(), "withheld"), "unjudged", "{ended:?}");
}
