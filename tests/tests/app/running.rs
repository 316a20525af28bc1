//! `bench scale` on an app that a `bench up` runs: it acts on that app and leaves it running.

use app_tests::proc_fs::catches;
use app_tests::{Ended, Place, eventually};
use rustix::process::Signal;

const SHORT: [&str; 4] = ["--duration", "200ms", "--warmup", "0"];

async fn scale(place: &Place, words: &[&str]) -> Ended {
    place.run(&[&["scale"], words, &SHORT].concat()).await
}

#[tokio::test]
async fn it_scales_the_running_app_up_and_down() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let grown = scale(&place, &["--worker", "4", "--rng", "2", "--output", "json"]).await;
    assert_eq!(grown.code, Some(3), "{grown:?}");
    let json = grown.json();
    let cluster = json["cluster"].as_str().unwrap();
    assert!(cluster.contains(&format!("(pid {})", up.process.pid())), "{cluster}");
    let replicas = &json["steps"][0]["replicas"];
    assert_eq!(*replicas, serde_json::json!({"worker": 4, "rng": 2, "hasher": 1}));
    // Settled means that they are all there and no other is left.
    assert_eq!((up.replicas("worker").len(), up.replicas("rng").len()), (4, 2));

    let shrunk = scale(&place, &["--worker", "2"]).await;
    assert_eq!(shrunk.code, Some(3), "{shrunk:?}");
    assert!(shrunk.stdout.contains("2 workers, 2 rng, 1 hasher"), "{}", shrunk.stdout);
    assert_eq!((up.replicas("worker").len(), up.replicas("rng").len()), (2, 2));
    up.goes_on(5).await;
    assert_eq!(up.stop().await.code, Some(0));
}

#[tokio::test]
async fn each_new_replica_gets_its_share_and_each_worker_counts() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let words = ["scale", "--worker", "3", "--rng", "3", "--output", "json"];
    let ended = place.run(&[&words[..], &["--duration", "2s", "--warmup", "1s"]].concat()).await;
    let json = ended.json();
    let step = &json["steps"][0];
    let served = step["rng_replicas"].as_object().unwrap();
    assert_eq!(served.keys().collect::<Vec<_>>(), ["rng.1", "rng.2", "rng.3"]);
    let counts: Vec<_> = served.values().filter_map(serde_json::Value::as_u64).collect();
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(least * 10 >= most * 8, "round robin, but {counts:?}");
    assert_eq!(step["workers"], 3);
    drop(up);
}

#[tokio::test]
async fn only_one_bench_measures_an_app_at_a_time() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let first = place.start(&["scale", "--worker", "2", "--duration", "1m"]);
    up.has_replicas("worker", 2).await;
    let second = scale(&place, &["--worker", "5"]).await;
    assert_eq!(second.code, Some(4), "{second:?}");
    assert!(second.stderr.contains(&format!("(pid {})", first.pid())), "{}", second.stderr);
    assert_eq!(up.replicas("worker").len(), 2);

    // However the first one ends, the next may measure.
    first.signal(Signal::KILL);
    first.end().await;
    let third = eventually("the first one's turn to be over", async || {
        let third = scale(&place, &["--worker", "3"]).await;
        (third.code != Some(4)).then_some(third)
    });
    assert_eq!(third.await.code, Some(3));
    up.goes_on(5).await;
}

#[tokio::test]
async fn scaled_to_nothing_and_back() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    for (service, words) in [("worker", ["--worker", "0"]), ("rng", ["--rng", "0"])] {
        let none = scale(&place, &[&words[..], &["--output", "json"]].concat()).await;
        assert_eq!(none.code, Some(3), "{none:?}");
        let json = none.json();
        let step = &json["steps"][0];
        let reason = step["withheld"]["reason"].as_str().unwrap();
        assert!(reason.contains("scaled to 0"), "{reason}");
        assert!(step["bottleneck"].is_null(), "{step}");
        assert_eq!(up.replicas(service).len(), 0);
    }
    let back = scale(&place, &["--worker", "2", "--rng", "1"]).await;
    assert_eq!(back.code, Some(3), "{back:?}");
    assert_eq!((up.replicas("worker").len(), up.replicas("rng").len()), (2, 1));
    up.goes_on(10).await;
}

#[tokio::test]
async fn an_app_that_goes_away_while_it_is_measured_is_said() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    let measuring = place.start(&["scale", "--worker", "2", "--warmup", "1s", "--duration", "1s"]);
    up.has_replicas("worker", 2).await;
    assert_eq!(up.stop().await.code, Some(0));
    let ended = measuring.end().await;
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("gone") || ended.stderr.contains("webui"), "{}", ended.stderr);
}

/// What those that left had counted must not be waited for again.
#[tokio::test]
async fn scaling_down_settles_however_much_was_counted_before() {
    let place = Place::fast();
    let up = place.up(&["--worker", "10"]).await;
    up.goes_on(300).await;
    let shrunk = scale(&place, &["--worker", "1", "--settle-timeout", "5s"]).await;
    assert_eq!(shrunk.code, Some(3), "{shrunk:?}");
}

#[tokio::test]
async fn ctrl_c_ends_the_wait_for_a_bench_up_that_does_not_answer() {
    let place = Place::fast();
    let up = place.up(&[]).await;
    up.process.signal(Signal::STOP);
    let waiting = place.start(&["scale", "--worker", "2"]);
    eventually("a bench that catches SIGINT", async || {
        catches(waiting.pid(), Signal::INT).then_some(())
    })
    .await;
    waiting.signal(Signal::INT);
    assert_eq!(waiting.end().await.code, Some(130));
    up.process.signal(Signal::CONT);
    up.goes_on(5).await;
}
