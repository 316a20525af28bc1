//! `/api/observation`: what the workers wrote, added up.

use observation::{
    OBSERVED_KEY, Observation, REPORT_FIELD, Report, SCHEMA_VERSION, Stage, Totals, WORKER_KEY,
};
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;

use crate::{Client, Process, RedisServer, ask, get, json, webui};

fn report(id: &str, loops: u64, microseconds: u64) -> Report {
    let mut totals = Totals { loops, coins: loops / 4, ..Totals::default() };
    for stage in [Stage::Rng, Stage::Loop] {
        let latency = totals.stages.entry(stage).or_default();
        (0..loops).for_each(|_| latency.record(microseconds));
    }
    totals.rng_replicas.insert("rng.1".to_owned(), loops);
    totals.errors.insert("rng: timeout".to_owned(), 1);
    Report {
        schema_version: SCHEMA_VERSION,
        id: id.to_owned(),
        replica: format!("host-of-{id}"),
        started_us: 1_000_000,
        at_us: 2_000_000,
        virtual_workers: 1,
        policy: "round-robin".to_owned(),
        experiment: None,
        totals,
    }
}

async fn write(redis: &mut MultiplexedConnection, report: &Report) {
    write_text(redis, &report.id, &serde_json::to_string(report).unwrap()).await;
}

async fn write_text(redis: &mut MultiplexedConnection, id: &str, text: &str) {
    let () = redis.hset(format!("{WORKER_KEY}{id}"), REPORT_FIELD, text).await.unwrap();
}

async fn observe(client: &mut Client, path: &str) -> Observation {
    client.send(get(path)).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_value(json(&answer)).unwrap()
}

#[tokio::test]
async fn without_workers_there_is_nothing_to_add_up() {
    let redis = RedisServer::start().await;
    let mut client = Client::connect(webui(redis.address).address).await;
    let seen = observe(&mut client, "/api/observation").await;
    assert_eq!((seen.schema_version, seen.hashes, seen.coins), (SCHEMA_VERSION, 0, 0));
    assert_eq!((seen.merged, seen.workers), (Totals::default(), Vec::new()));
    assert!(seen.now_us > 1_600_000_000_000_000, "{}", seen.now_us);
}

#[tokio::test]
async fn reports_are_added_up_and_their_histograms_kept_on_request_only() {
    let redis = RedisServer::start().await;
    let mut keys = redis.client().await;
    let (first, second) = (report("a", 40, 300_000), report("b", 60, 900_000));
    write(&mut keys, &second).await;
    write(&mut keys, &first).await;
    let () = keys.set("hashes", 99).await.unwrap();
    let () = keys.hset("wallet", "0a", "x").await.unwrap();
    let mut sum = first.totals.clone();
    sum.add(&second.totals);

    let mut client = Client::connect(webui(redis.address).address).await;
    let seen = observe(&mut client, "/api/observation").await;
    assert_eq!((seen.hashes, seen.coins), (99, 1));
    assert_eq!(seen.merged, sum);
    assert_eq!((seen.merged.loops, seen.merged.errors["rng: timeout"]), (100, 2));
    let plain =
        |report: &Report| Report { totals: report.totals.without_histograms(), ..report.clone() };
    assert_eq!(seen.workers, [plain(&first), plain(&second)]);

    let seen = observe(&mut client, "/api/observation?x=y&by=worker").await;
    assert_eq!(seen.merged, sum);
    assert_eq!(seen.workers, [first, second]);
    let seen = observe(&mut client, "/api/observation?by=workers").await;
    assert!(seen.workers[0].totals.stages[&Stage::Loop].max_us() < Some(2), "histogram kept");
}

#[tokio::test]
async fn a_report_that_cannot_be_read_costs_only_itself() {
    let redis = RedisServer::start().await;
    let mut keys = redis.client().await;
    let good = report("m", 8, 1000);
    write(&mut keys, &good).await;
    write_text(&mut keys, "garbage", "{\"schema_version\": 1").await;
    let shape = serde_json::to_string(&report("shape", 1, 5)).unwrap();
    let shape = shape.replace("\"histogram\":\"", "\"histogram\":\"AAAA");
    write_text(&mut keys, "shape", &shape).await;
    write(&mut keys, &Report { schema_version: 999, ..report("newer", 9, 1) }).await;
    let () = keys.set("worker:text", "no hash at all").await.unwrap();
    let () = keys.hset("worker:none", "counted", 5).await.unwrap();
    let () = keys.hset(b"worker:\xff\xfe", "report", b"\xff").await.unwrap();
    let () = keys.hset("coworker:1", "report", "x").await.unwrap();
    let mut client = Client::connect(webui(redis.address).address).await;
    for _ in 0..2 {
        let seen = observe(&mut client, "/api/observation?by=worker").await;
        assert_eq!(seen.merged, good.totals);
        assert_eq!(seen.workers, std::slice::from_ref(&good));
    }
}

#[tokio::test]
async fn every_page_of_the_scan_is_read() {
    const WORKERS: u64 = 2500;
    let redis = RedisServer::start().await;
    let mut keys = redis.client().await;
    let mut all = redis::pipe();
    for number in 0..WORKERS {
        let id = format!("{number:04}");
        let mut report = report(&id, 0, 0);
        report.totals = Totals { loops: number, ..Totals::default() };
        let text = serde_json::to_string(&report).unwrap();
        all.hset(format!("{WORKER_KEY}{id}"), REPORT_FIELD, text).ignore();
    }
    let () = all.query_async(&mut keys).await.unwrap();
    let mut client = Client::connect(webui(redis.address).address).await;
    let seen = observe(&mut client, "/api/observation").await;
    assert_eq!(seen.workers.len(), 2500);
    assert_eq!(seen.merged.loops, WORKERS * (WORKERS - 1) / 2);
    assert!(seen.workers.is_sorted_by(|a, b| a.id < b.id));
}

#[tokio::test]
async fn workers_are_asked_for_reports_while_these_are_read() {
    let redis = RedisServer::start().await;
    let mut keys = redis.client().await;
    let webui = webui(redis.address);
    ask(webui.address, &get("/json")).await;
    ask(webui.address, &get("/index.html")).await;
    assert!(!keys.exists::<_, bool>(OBSERVED_KEY).await.unwrap(), "nobody has read reports");
    for _ in 0..5 {
        assert_eq!(ask(webui.address, &get("/api/observation")).await.status, 200);
    }
    let left: i64 = keys.ttl(OBSERVED_KEY).await.unwrap();
    assert!((1..=15).contains(&left), "{left}");
    // Once a second at most, however many read.
    let commands: String =
        redis::cmd("INFO").arg("commandstats").query_async(&mut keys).await.unwrap();
    let set = commands.lines().find(|line| line.starts_with("cmdstat_set:")).unwrap();
    let calls: u32 = set.split(['=', ',']).nth(1).unwrap().parse().unwrap();
    assert!(calls < 5, "{set}");
}

#[tokio::test]
async fn a_redis_that_may_only_be_read_has_reports_all_the_same() {
    let redis = RedisServer::start().await;
    let mut keys = redis.client().await;
    write(&mut keys, &report("a", 4, 1000)).await;
    let () = redis::cmd("REPLICAOF").arg("127.0.0.1").arg(1).query_async(&mut keys).await.unwrap();
    let mut client = Client::connect(webui(redis.address).address).await;
    assert_eq!(observe(&mut client, "/api/observation").await.workers.len(), 1);
}

#[tokio::test]
async fn a_counter_that_is_no_number_is_told() {
    let redis = RedisServer::start().await;
    let () = redis.client().await.set("hashes", "many").await.unwrap();
    let answer = ask(webui(redis.address).address, &get("/api/observation")).await;
    assert_eq!(answer.status, 503);
    let error = json(&answer)["error"].to_string();
    assert!(error.contains("many") && error.contains("GET hashes"), "{error}");
}

#[tokio::test]
async fn reports_are_not_all_held_in_memory_at_once() {
    let redis = RedisServer::start().await;
    let mut keys = redis.client().await;
    // Each of these takes almost 1 MB once it is read.
    let mut report = report("x", 20, 300_000);
    let latency = report.totals.stages[&Stage::Loop].clone();
    for stage in [
        Stage::Think,
        Stage::RngQueue,
        Stage::RngService,
        Stage::Hasher,
        Stage::HasherQueue,
        Stage::HasherService,
        Stage::Redis,
        Stage::Retry,
    ] {
        report.totals.stages.insert(stage, latency.clone());
    }
    for number in 0..30 {
        report.id = number.to_string();
        write(&mut keys, &report).await;
    }
    let setting = redis.address.to_string();
    let webui = Process::start(env!("CARGO_BIN_EXE_webui"), &["--redis", &setting]).await;
    let before = webui.most_memory();
    let mut client = Client::connect(webui.address).await;
    let seen = observe(&mut client, "/api/observation?by=worker").await;
    assert_eq!((seen.workers.len(), seen.merged.loops), (30, 600));
    let grown = webui.most_memory() - before;
    assert!(grown < 12 << 10, "grew by {grown} KiB");
}
