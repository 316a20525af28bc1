//! Experiments: carried out from the flush that reads one to the flush that no longer does, told
//! in the report, and ignored unless allowed.

use observation::{EXPERIMENT_KEY, Experiment, Report, Stage};

use crate::{FAST, Request, Server, Store, Worker, eventually};

const ALLOWED: &str = "--allow-experiments";

/// rng, hasher, Redis, and a worker with these flags.
async fn app(flags: &[&str]) -> (Server, Server, Store, Worker) {
    let (rng, hasher, store) = (Server::good(), Server::good(), Store::start().await);
    let flags = [&FAST[..], flags].concat();
    let worker = Worker::start(&rng.target(), &hasher.target(), &store, &flags);
    store.goes_on(5).await;
    (rng, hasher, store, worker)
}

impl Store {
    /// Stores an experiment as webui does.
    async fn put(&self, experiment: &Experiment) {
        let text = serde_json::to_string(experiment).unwrap();
        let seconds = experiment.seconds.to_string();
        let () = self.ask(&["SET", EXPERIMENT_KEY, &text, "EX", &seconds]).await;
    }

    async fn take_away(&self) {
        let _: u64 = self.ask(&["DEL", EXPERIMENT_KEY]).await;
    }

    /// The first report that tells of `experiment`.
    async fn tells(&self, experiment: Option<&Experiment>) -> Report {
        let what = format!("a report of {experiment:?}");
        self.report(&what, |report| report.experiment.as_ref() == experiment).await
    }
}

/// The next ten requests.
async fn next_ten(server: &Server) -> Vec<Request> {
    let before = server.count();
    eventually("ten requests", async || (server.count() >= before + 10).then_some(())).await;
    server.requests().split_off(before)
}

/// The delay a request carries.
fn delay(request: &Request) -> Option<&str> {
    request.head.lines().find_map(|line| line.strip_prefix("x-injected-delay: "))
}

async fn all_carry(server: &Server, expected: Option<&str>) {
    for request in next_ten(server).await {
        assert_eq!(delay(&request), expected, "{}", request.head);
    }
}

/// Until a request comes with this delay, after others: where no report can tell.
async fn comes_to_carry(server: &Server, expected: Option<&str>) {
    eventually("requests with or without a delay", async || {
        server.requests().last().is_some_and(|last| delay(last) == expected).then_some(())
    })
    .await;
}

fn slower_rng() -> Experiment {
    Experiment { rng_us: 10_000, seconds: 600, ..Experiment::default() }
}

#[tokio::test]
async fn delays_are_sent_with_each_request_while_the_experiment_lasts() {
    let (rng, hasher, store, worker) = app(&[ALLOWED]).await;
    store.tells(None).await;
    all_carry(&rng, None).await;
    store.put(&slower_rng()).await;
    store.tells(Some(&slower_rng())).await;
    all_carry(&rng, Some("10000")).await;
    all_carry(&hasher, None).await;
    // Another one takes its place.
    let other = Experiment { hasher_us: 7, seconds: 60, ..Experiment::default() };
    store.put(&other).await;
    store.tells(Some(&other)).await;
    all_carry(&rng, None).await;
    all_carry(&hasher, Some("7")).await;
    store.take_away().await;
    store.tells(None).await;
    all_carry(&hasher, None).await;
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn it_ends_with_its_time() {
    let (rng, _hasher, store, _worker) = app(&[ALLOWED]).await;
    let short = Experiment { seconds: 1, ..slower_rng() };
    store.put(&short).await;
    store.tells(Some(&short)).await;
    store.tells(None).await;
    all_carry(&rng, None).await;
}

#[tokio::test]
async fn its_think_time_is_added_and_shows_in_the_stage() {
    let (_rng, _hasher, store, _worker) = app(&[ALLOWED]).await;
    let thoughtful = Experiment { think_us: 30_000, seconds: 600, ..Experiment::default() };
    store.put(&thoughtful).await;
    let first = store.tells(Some(&thoughtful)).await;
    let later = |report: &Report| report.totals.loops >= first.totals.loops + 5;
    let last = store.report("five loops more", later).await;
    let since = last.totals.since(&first.totals).unwrap();
    let think = &since.stages[&Stage::Think];
    let mean = think.sum_us() / think.count();
    // The timer may wake a little early, and is caught up with.
    assert!(mean >= 34_000, "{mean} us of 35,000");
}

#[tokio::test]
async fn its_policy_replaces_the_workers_own() {
    let (rng, _hasher, store, _worker) = app(&[ALLOWED]).await;
    let direct = Experiment { policy: Some("vip".into()), seconds: 600, ..Experiment::default() };
    let closes = |request: &Request| request.head.contains("connection: close");
    assert!(!next_ten(&rng).await.iter().any(closes));
    store.put(&direct).await;
    let report = store.tells(Some(&direct)).await;
    assert_eq!(report.policy, "vip");
    for request in next_ten(&rng).await {
        assert!(closes(&request), "{}", request.head);
        assert_eq!(request.turn, 0, "over a connection that was kept");
    }
    store.take_away().await;
    assert_eq!(store.tells(None).await.policy, "round-robin");
    let kept = next_ten(&rng).await;
    assert!(!kept.iter().any(closes));
    assert!(kept.iter().skip(1).all(|request| request.turn > 0), "{kept:?}");
    assert!(store.report("any", |_| true).await.totals.errors.is_empty());
}

#[tokio::test]
async fn unless_allowed_nothing_changes() {
    let (rng, _hasher, store, mut worker) = app(&["--health-port", "0"]).await;
    let everything =
        Experiment { think_us: 10_000_000, policy: Some("vip".into()), ..slower_rng() };
    store.put(&everything).await;
    store.goes_on(20).await; // some flushes
    all_carry(&rng, None).await;
    let report = store.tells(None).await;
    assert_eq!(report.policy, "round-robin");
    let port = worker.health_port().await;
    let request = "GET /health HTTP/1.1\r\nHost: worker\r\n\r\n";
    let health = crate::wire::ask(([127, 0, 0, 1], port).into(), request).await;
    assert!(health.text().contains(r#""experiments":false"#), "{}", health.text());
}

#[tokio::test]
async fn without_redis_it_goes_back_to_its_own_settings() {
    let (rng, _hasher, store, worker) = app(&[ALLOWED]).await;
    store.put(&slower_rng()).await;
    store.tells(Some(&slower_rng())).await;
    all_carry(&rng, Some("10000")).await;
    store.faults.refuse_connections(true);
    store.faults.disconnect_all();
    comes_to_carry(&rng, None).await;
    all_carry(&rng, None).await;
    store.faults.clear();
    store.faults.refuse_connections(false);
    comes_to_carry(&rng, Some("10000")).await;
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn answers_of_redis_that_are_lost_count_nothing_twice_meanwhile() {
    let (_rng, hasher, store, worker) = app(&[ALLOWED]).await;
    store.put(&slower_rng()).await;
    for command in ["EXEC", "MGET", "EXEC"] {
        store.faults.drop_replies_to(command, 1);
        let before = hasher.count();
        eventually("twenty loops", async || (hasher.count() > before + 20).then_some(())).await;
    }
    store.faults.clear();
    store.goes_on(20).await;
    assert_eq!(worker.stop().await.loops(), store.hashes().await);
}

#[tokio::test]
async fn one_that_would_not_end_is_not_carried_out() {
    let (rng, _hasher, store, worker) = app(&[ALLOWED]).await;
    store.put(&slower_rng()).await;
    store.tells(Some(&slower_rng())).await;
    let text = serde_json::to_string(&slower_rng()).unwrap();
    for endless in [&["SET", EXPERIMENT_KEY, &text][..], &["EXPIRE", EXPERIMENT_KEY, "700"]] {
        let _: redis::Value = store.ask(endless).await;
        store.tells(None).await;
        all_carry(&rng, None).await;
        store.put(&slower_rng()).await;
        store.tells(Some(&slower_rng())).await;
    }
    let ended = worker.stop().await;
    assert!(ended.log.contains("never expires"), "{}", ended.log);
}

#[tokio::test]
async fn what_is_no_experiment_is_none_and_said_once() {
    let (rng, _hasher, store, worker) = app(&[ALLOWED]).await;
    let mut bad = slower_rng();
    bad.rng_us = 10_000_001;
    store.put(&slower_rng()).await;
    store.tells(Some(&slower_rng())).await;
    store.put(&bad).await;
    store.tells(None).await;
    all_carry(&rng, None).await;
    store.take_away().await;
    // Nor does a key of another type keep loops from being counted.
    let _: u64 = store.ask(&["HSET", EXPERIMENT_KEY, "f", "v"]).await;
    store.goes_on(20).await;
    let ended = worker.stop().await;
    assert_eq!(ended.loops(), store.hashes().await);
    assert_eq!(ended.log.matches("left out an experiment").count(), 1, "{}", ended.log);
}
