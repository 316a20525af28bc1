//! No loop is lost and none is counted twice, whatever happens to Redis or to a worker: the count
//! in Redis is the sum of what the workers say they did.

use app_tests::process::send;
use app_tests::{DEADLINE, Place, RedisServer, eventually, http};
use rustix::process::Signal;
use tokio::net::TcpListener;

/// The loops in the workers' last words, such as
/// `worker.1  | ... accounts settled loops=12 counted=12 coins=1`.
fn loops_of_all(output: &str, workers: usize) -> u64 {
    let settled = output.lines().filter(|line| line.contains("accounts settled"));
    let loops: Vec<u64> = settled
        .map(|line| {
            let (loops, counted) = (field(line, "loops"), field(line, "counted"));
            assert_eq!(loops, counted, "{line}");
            loops
        })
        .collect();
    assert_eq!(loops.len(), workers, "not every worker settled its accounts:\n{output}");
    loops.iter().sum()
}

fn field(line: &str, name: &str) -> u64 {
    let mut words = line.split_whitespace().filter_map(|word| word.split_once('='));
    let value = words.find(|(field, _)| *field == name).map(|(_, value)| value.parse().ok());
    value.flatten().unwrap_or_else(|| panic!("no {name} in {line}"))
}

#[tokio::test]
async fn redis_is_killed_under_load_and_every_loop_is_counted_afterwards() {
    let place = Place::fast();
    let mut redis = RedisServer::start(place.folder()).await;
    let up = place.up(&["--worker", "4", "--redis", &redis.address().to_string()]).await;
    up.goes_on(20).await;
    redis.kill();
    for path in ["/json", "/api/observation"] {
        let reply = up.ask(path).await;
        assert_eq!(reply.status, 503, "{path}: {}", reply.text());
        assert!(reply.json()["error"].is_string(), "{path}: {}", reply.text());
    }
    // Long enough for each worker to fail many times, and to do many loops meanwhile.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(up.ask("/json").await.status, 503);
    redis.start_again().await;
    up.goes_on(20).await;
    let ended = up.stop().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(redis.hashes().await, loops_of_all(&ended.stdout, 4));
}

/// A transaction is carried out but its answer is lost: was it counted or not?
#[tokio::test]
async fn lost_answers_count_nothing_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let redis = embedded_redis::Redis::new();
    let faults = redis.faults();
    let server = tokio::spawn(embedded_redis::serve(listener, redis, std::future::pending()));
    let place = Place::fast();
    let up = place.up(&["--worker", "3", "--redis", &address.to_string()]).await;
    up.goes_on(10).await;
    for _ in 0..5 {
        faults.drop_replies_to("EXEC", 3);
        up.goes_on(10).await;
        faults.disconnect_all();
        up.goes_on(10).await;
    }
    let ended = up.process.pid();
    let (webui, last) = (up.webui, up);
    send(ended, Signal::TERM);
    let ended = last.process.end().await;
    assert!(http::get(webui, "/json").await.is_err());
    let client = redis::Client::open(format!("redis://{address}")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let hashes: u64 = redis::cmd("GET").arg("hashes").query_async(&mut connection).await.unwrap();
    assert_eq!(hashes, loops_of_all(&ended.stdout, 3));
    server.abort();
}

#[tokio::test]
async fn a_worker_that_is_stopped_counts_its_last_loops() {
    let place = Place::fast().with("WORKER_FLUSH_INTERVAL", "1h");
    let redis = RedisServer::start(place.folder()).await;
    let mut up = place.up(&["--worker", "2", "--redis", &redis.address().to_string()]).await;
    // Nothing is flushed on time, so that what is counted was counted at the stop.
    let rng = up.rng;
    let coins = async || redis.wallet().await.len();
    eventually("coins, which are told at once", async || (coins().await >= 2).then_some(())).await;
    assert_eq!(redis.hashes().await, 0);
    send(up.replica("worker.1").await.pid, Signal::TERM);
    let settled = |line: &str| line.starts_with("worker.1") && line.contains("accounts settled");
    let line = up.process.line("worker.1's account", settled).await;
    let loops = field(&line, "loops");
    assert!(loops > 0, "{line}");
    assert_eq!(redis.hashes().await, loops);
    assert!(http::get(rng, "/32").await.is_ok());
    let ended = up.stop().await;
    // The second worker, and the first one's successor if it was there already.
    let lines: Vec<_> = ended.stdout.lines().filter(|l| l.contains("accounts settled")).collect();
    assert!(lines.len() >= 2, "{lines:?}");
    let total: u64 = lines.iter().map(|line| field(line, "loops")).sum();
    assert_eq!(redis.hashes().await, total);
}

#[tokio::test]
async fn scaling_down_counts_the_last_loops_of_those_that_leave() {
    let place = Place::fast().with("WORKER_FLUSH_INTERVAL", "300ms");
    let redis = RedisServer::start(place.folder()).await;
    let up = place.up(&["--worker", "4", "--redis", &redis.address().to_string()]).await;
    up.goes_on(10).await;
    let words = ["scale", "--worker", "1", "--duration", "100ms", "--warmup", "0"];
    let scaled = place.run(&words).await;
    assert_eq!(scaled.code, Some(3), "{scaled:?}");
    let ended = up.stop().await;
    assert_eq!(redis.hashes().await, loops_of_all(&ended.stdout, 4));
}

#[tokio::test]
async fn with_redis_away_bench_up_still_stops() {
    let place = Place::fast();
    let mut redis = RedisServer::start(place.folder()).await;
    let up = place.up(&["--worker", "2", "--redis", &redis.address().to_string()]).await;
    up.goes_on(5).await;
    redis.kill();
    let begin = tokio::time::Instant::now();
    let ended = up.stop().await;
    assert!(begin.elapsed() < DEADLINE);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // What could not be counted is not passed over in silence.
    let unsettled = ended.stdout.lines().filter(|line| line.contains("accounts not settled"));
    assert_eq!(unsettled.count(), 2, "{}", ended.stdout);
}
