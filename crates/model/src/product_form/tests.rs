//! The exact solution against reference values, and against what must hold for all networks.

use proptest::prelude::*;

use super::*;
use crate::network::{Seconds, Station};

fn seconds(value: f64) -> Seconds {
    Seconds::new(value).unwrap()
}

fn count(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap()
}

/// A network of a think time and stations of (service time, places).
fn network(think: f64, stations: &[(f64, u32)]) -> Network {
    let station = |&(service, places)| Station::new("k", seconds(service), count(places));
    Network::new(seconds(think), stations.iter().map(station).collect()).unwrap()
}

fn throughput(think: f64, stations: &[(f64, u32)], workers: u32) -> f64 {
    network(think, stations).solve(count(workers)).throughput
}

fn assert_near(found: f64, expected: f64, relative: f64) {
    assert!((found / expected - 1.0).abs() < relative, "{found} is not {expected}");
}

/// Reference values: Z, (S, m) of each station, N.
#[test]
fn reference_values() {
    assert_near(throughput(0.2, &[(0.1, 10)], 50), 99.999_643_946_435_43, 1e-9);
    assert_near(throughput(0.2, &[(0.1, 2)], 10), 19.813_741_501_371_343, 1e-9);
    assert_near(throughput(0.2, &[(0.1, 50)], 300), 500.0, 1e-9);
    assert_near(throughput(0.2, &[(0.1, 1)], 3), 7.894_736_842_105_264, 1e-9);
    assert_near(throughput(0.1, &[(0.1, 20), (0.1, 20)], 60), 183.290_068_577_505_77, 1e-9);
}

/// Workers, rng replicas, X with one queue for all replicas, X with a queue each that is chosen at random;
/// Z = 0.2 s, S = 0.1 s.
const TABLE: [(u32, u32, f64, f64); 20] = [
    (1, 1, 3.333, 3.333),
    (1, 2, 3.333, 3.333),
    (1, 5, 3.333, 3.333),
    (1, 10, 3.333, 3.333),
    (2, 1, 6.000, 6.000),
    (2, 2, 6.667, 6.316),
    (2, 5, 6.667, 6.522),
    (2, 10, 6.667, 6.593),
    (5, 1, 9.633, 9.633),
    (5, 2, 15.026, 12.848),
    (5, 5, 16.667, 15.139),
    (5, 10, 16.667, 15.912),
    (10, 1, 10.000, 10.000),
    (10, 2, 19.814, 17.151),
    (10, 5, 32.832, 26.111),
    (10, 10, 33.333, 29.796),
    (50, 1, 10.000, 10.000),
    (50, 2, 20.000, 19.574),
    (50, 5, 50.000, 45.525),
    (50, 10, 100.000, 79.000),
];

#[test]
fn one_queue_and_a_queue_each() {
    for (workers, replicas, one, each) in TABLE {
        let found = throughput(0.2, &[(0.1, replicas)], workers);
        assert!((found - one).abs() < 6e-4, "{workers}, {replicas}: {found}, not {one}");
        let queues = vec![(0.1 / f64::from(replicas), 1); replicas as usize];
        let found = throughput(0.2, &queues, workers);
        assert!((found - each).abs() < 6e-4, "{workers}, {replicas}: {found}, not {each}");
    }
}

#[test]
fn large_networks_stay_exact() {
    // Far beyond the knee all places work; far before it nobody waits.
    assert_near(throughput(0.2, &[(0.1, 1000)], 10_000), 10_000.0, 1e-9);
    assert_near(throughput(10.0, &[(0.1, 1000)], 10_000), 10_000.0 / 10.1, 1e-9);
    // At the knee, against the square-root law: the shortfall is of the order of 1/sqrt(m).
    let at_knee = throughput(0.9, &[(0.1, 1000)], 10_000);
    assert!((0.95..1.0).contains(&(at_knee / 10_000.0)), "{at_knee}");
    let one_by_one = throughput(0.2, &[(0.1, 1), (0.05, 1)], 10_000);
    assert_near(one_by_one, 10.0, 1e-9);
}

#[test]
fn balanced_stations_in_closed_form() {
    // K equal stations of one place, no delay: X = N / (S (N + K - 1)).
    for (workers, stations) in [(1, 4), (7, 3), (400, 5), (10_000, 8)] {
        let found = throughput(0.0, &vec![(0.1, 1); stations], workers);
        let (n, k) = (f64::from(workers), f64::from(u32::try_from(stations).unwrap()));
        assert_near(found, n / (0.1 * (n + k - 1.0)), 1e-9);
    }
}

#[test]
fn one_worker_depends_on_everything_alike_and_ten_on_rng() {
    let nominal = network(0.1, &[(0.1, 1), (0.1, 20)]);
    let alone = nominal.solve(count(1)).elasticities;
    for found in [alone.think, alone.stations[0], alone.stations[1]] {
        assert_near(found, 1.0 / 3.0, 1e-12);
    }
    let ten = nominal.solve(count(10)).elasticities;
    assert!(ten.stations[0] > 0.999 && ten.think < 1e-3, "{ten:?}");
}

#[test]
fn elasticities_are_the_slopes() {
    let times = [0.3, 0.1, 0.07];
    let at = |times: [f64; 3]| throughput(times[0], &[(times[1], 2), (times[2], 3)], 9).ln();
    let exact = network(times[0], &[(times[1], 2), (times[2], 3)]).solve(count(9)).elasticities;
    let exact = [exact.think, exact.stations[0], exact.stations[1]];
    for (k, exact) in exact.into_iter().enumerate() {
        let step: f64 = 1e-4;
        let (mut longer, mut shorter) = (times, times);
        longer[k] *= step.exp();
        shorter[k] *= (-step).exp();
        let slope = -(at(longer) - at(shorter)) / (2.0 * step);
        assert!((slope - exact).abs() < 1e-6, "{k}: {slope}, not {exact}");
    }
}

#[test]
fn elasticities_of_a_large_network_sum_to_one() {
    for (think, stations) in
        [(0.9, vec![(0.1, 1000)]), (0.2, vec![(0.1, 1000), (0.2, 2000)]), (0.0, vec![(0.1, 1); 3])]
    {
        let sum = network(think, &stations).solve(count(10_000)).elasticities.sum();
        assert!((sum - 1.0).abs() < 1e-6, "{think}, {stations:?}: {sum}");
    }
}

prop_compose! {
    fn any_network()(
        think in prop_oneof![Just(0.0), 1e-3..10.0],
        stations in prop::collection::vec((1e-3..3.0, 1u32..30), 1..4),
    ) -> (f64, Vec<(f64, u32)>) {
        (think, stations)
    }
}

proptest! {
    #[test]
    fn never_above_the_bounds((think, stations) in any_network(), workers in 1u32..120) {
        let network = network(think, &stations);
        let bound = network.bounds(count(workers)).throughput();
        let found = network.solve(count(workers)).throughput;
        prop_assert!(found > 0.0 && found <= bound * (1.0 + 1e-9), "{found} > {bound}");
    }

    #[test]
    fn every_worker_is_somewhere((think, stations) in any_network(), workers in 1u32..120) {
        let solved = network(think, &stations).solve(count(workers));
        let queues: f64 = solved.stations.iter().map(|station| station.queue).sum();
        prop_assert!((solved.thinking + queues - f64::from(workers)).abs() < 1e-9 * f64::from(workers));
        prop_assert!((solved.elasticities.sum() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn more_of_anything_never_hurts(
        (think, stations) in any_network(), workers in 1u32..80, which in 0usize..3, faster in 0.3..1.0,
    ) {
        let before = throughput(think, &stations, workers);
        let which = which % stations.len();
        let (mut wider, mut quicker) = (stations.clone(), stations.clone());
        wider[which].1 += 1;
        quicker[which].0 *= faster;
        let after = [
            throughput(think, &stations, workers + 1),
            throughput(think, &wider, workers),
            throughput(think, &quicker, workers),
            throughput(think * faster, &stations, workers),
        ];
        for found in after {
            prop_assert!(found >= before * (1.0 - 1e-10), "{found} < {before}");
        }
    }
}
