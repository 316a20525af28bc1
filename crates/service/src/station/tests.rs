//! Stations under paused time, and the shape of random service times.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn station(milliseconds: u64, concurrency: u32) -> Arc<Station> {
    let time = ServiceTime::fixed(Duration::from_millis(milliseconds));
    Arc::new(Station::new(time, NonZeroU32::new(concurrency)))
}

/// Sends `requests` at once, in order, and returns their timings and the time all took.
async fn burst(station: &Arc<Station>, requests: usize) -> (Vec<Timing>, Duration) {
    let begin = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..requests {
        let station = Arc::clone(station);
        tasks.spawn(async move { station.serve().await });
        tokio::task::yield_now().await; // arrives before the next one is sent
    }
    let mut timings = tasks.join_all().await;
    timings.sort_by_key(|timing| timing.queue);
    (timings, begin.elapsed())
}

#[tokio::test(start_paused = true)]
async fn one_slot_serves_one_after_another() {
    let (timings, took) = burst(&station(100, 1), 10).await;
    for (place, timing) in timings.iter().enumerate() {
        let queue = Duration::from_millis(100) * u32::try_from(place).unwrap();
        assert_eq!(*timing, Timing { queue, service: Duration::from_millis(100) });
    }
    assert!(took >= Duration::from_secs(1) && took < Duration::from_millis(1003), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn twenty_slots_serve_twenty_at_a_time() {
    let (timings, took) = burst(&station(100, 20), 40).await;
    assert_eq!(timings.iter().filter(|timing| timing.queue.is_zero()).count(), 20);
    assert_eq!(timings[39].queue, Duration::from_millis(100));
    assert!(took < Duration::from_millis(203), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nobody_queues() {
    let (timings, took) = burst(&station(100, 0), 1000).await;
    assert!(timings.iter().all(|timing| timing.queue.is_zero()));
    assert!(took < Duration::from_millis(102), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_service_time_means_no_wait() {
    let (_, took) = burst(&station(0, 1), 1000).await;
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_extra_delay_is_service_and_holds_the_slot() {
    // Also at a station that has no delay of its own.
    for own in [100, 0] {
        let station = station(own, 1);
        let slowed = tokio::spawn({
            let station = Arc::clone(&station);
            async move { station.serve_longer(Duration::from_millis(30)).await }
        });
        tokio::task::yield_now().await;
        let next = station.serve_longer(Duration::from_micros(7)).await;
        let service = Duration::from_millis(own + 30);
        assert_eq!(slowed.await.unwrap(), Timing { queue: Duration::ZERO, service });
        assert_eq!(next.queue, service);
        assert_eq!(next.service, Duration::from_micros(own * 1000 + 7));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_work_waits_its_turn() {
    let station = station(100, 1);
    let busy = tokio::spawn({
        let station = Arc::clone(&station);
        async move { station.serve().await }
    });
    tokio::task::yield_now().await;
    let probe = station.queue().await;
    assert_eq!(probe, Timing { queue: Duration::from_millis(100), service: Duration::ZERO });
    busy.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_gives_its_slot_back() {
    let station = station(1000, 1);
    let leaver = tokio::spawn({
        let station = Arc::clone(&station);
        async move { station.serve().await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    leaver.abort();
    let _ = leaver.await;
    let next = station.serve().await;
    assert!(next.queue < Duration::from_millis(2), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn a_station_that_was_held_up_does_not_catch_up_beyond_its_slack() {
    let station = station(100, 1);
    station.serve().await;
    tokio::time::advance(Duration::from_secs(5)).await;
    let (_, took) = burst(&station, 10).await;
    assert!(took >= Duration::from_millis(990), "{took:?}");
}

#[test]
fn random_service_times_have_the_mean_and_variation_asked_for() {
    for (distribution, variation) in
        [(Distribution::Exponential, 1.0), (Distribution::LogNormal, 0.5)]
    {
        let time = ServiceTime { mean: Duration::from_millis(100), distribution, variation };
        let samples: Vec<f64> = (0..100_000).map(|_| time.sample().as_secs_f64()).collect();
        let count = 100_000.0;
        let mean = samples.iter().sum::<f64>() / count;
        let variance = samples.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / count;
        // Six standard errors of the mean, and about as many of the deviation.
        assert!((mean / 0.1 - 1.0).abs() < 0.02, "{distribution:?}: mean {mean}");
        let seen = variance.sqrt() / mean;
        assert!((seen / variation - 1.0).abs() < 0.06, "{distribution:?}: variation {seen}");
    }
}

proptest! {
    #[test]
    fn the_header_says_milliseconds_to_the_microsecond(micros in 0_u64..4_000_000_000_000) {
        let timing = Timing { queue: Duration::from_micros(micros), service: Duration::ZERO };
        let expected = format!("queue;dur={}.{:03}, service;dur=0.000", micros / 1000, micros % 1000);
        let header = timing.header();
        prop_assert_eq!(header.to_str().unwrap(), expected);
    }
}
