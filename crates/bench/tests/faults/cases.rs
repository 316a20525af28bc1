//! Faults with their truths, which follow from the settings by hand and from nothing that bench says.
//!
//! With W workers, R rng and H hasher replicas, Z the time a worker thinks, S and T the service times of
//! rng and hasher, and m and n requests at a time, the app is limited by the least of W/(Z + S + T), R·m/S
//! and H·n/T (Denning and Buzen 1978); nominal: W/0.3, 10 R, 200 H. Requests in turn are as slow as the
//! slowest replica: R/S of that. No case is within 3 % of a tie. What a loop spends at Redis is 0.36 of
//! the time that is set, what it spends on the network twice of it; Redis is the limit where the workers
//! would be and a tenth of a loop is there.

use Expected::{Healthy, Named, Withheld};

/// An app, what is set, and the truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// Replicas of worker, rng and hasher.
    pub(super) replicas: (u32, u32, u32),
    /// Settings of the simulation.
    pub(super) settings: &'static str,
    /// What is right.
    pub(super) expected: Expected,
}

/// The right answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// This limits; nothing is wrong, and nothing is doubted.
    Healthy(&'static str),
    /// This limits, and this is the first cause.
    Named(&'static str, &'static str),
    /// Nothing can be said, for a reason with these words, or for any if there are none.
    Withheld(&'static str),
}

/// The cases of a kind.
pub(super) type Kind = (&'static str, &'static [Case]);

const fn case(replicas: (u32, u32, u32), settings: &'static str, expected: Expected) -> Case {
    Case { replicas, settings, expected }
}

/// All of them.
pub(super) const KINDS: [Kind; 14] = [
    ("healthy", HEALTHY),
    ("slow service", SLOW_SERVICE),
    ("capped hasher", CAPPED),
    ("slow redis", SLOW_REDIS),
    ("straggler", STRAGGLER),
    ("pinned or stale connections", CONNECTIONS),
    ("random balancing", RANDOM),
    ("threaded rng", THREADED),
    ("dead worker", DEAD_WORKER),
    ("dead or failing replica", DEAD_REPLICA),
    ("processor quota", QUOTA),
    ("network or think time changed", DELAYS),
    ("two at once", TWO),
    ("silent or unsteady app", UNSTEADY),
];

const HEALTHY: &[Case] = &[
    case((1, 1, 1), "", Healthy("worker")),
    case((2, 1, 1), "seed=2", Healthy("worker")),
    case((5, 1, 1), "", Healthy("rng")),
    case((10, 1, 1), "seed=3", Healthy("rng")),
    case((10, 2, 1), "", Healthy("rng")),
    case((10, 3, 1), "seed=4", Healthy("rng")),
    case((10, 4, 1), "", Healthy("worker")),
    case((10, 5, 1), "seed=5", Healthy("worker")),
    case((10, 10, 1), "", Healthy("worker")),
    case((50, 5, 1), "", Healthy("rng")),
    case((50, 10, 1), "seed=6", Healthy("rng")),
    // 333, 400 and 200.
    case((100, 40, 1), "", Healthy("hasher")),
    // 333, 500 and 400.
    case((100, 50, 2), "", Healthy("worker")),
    case((10, 5, 1), "policy=vip", Healthy("worker")),
    case((10, 2, 1), "policy=least-outstanding seed=7", Healthy("rng")),
    // Times that scatter are no fault, though the app stays below its bounds with them.
    case((10, 1, 1), "jitter=exponential", Healthy("rng")),
    case((10, 10, 1), "jitter=exponential", Healthy("worker")),
    case((20, 3, 1), "jitter=20ms seed=8", Healthy("rng")),
];

const SLOW_SERVICE: &[Case] = &[
    case((10, 1, 1), "rng=300ms", Named("rng", "slow rng")),
    // 22.2, 20 and 200.
    case((10, 5, 1), "rng=250ms seed=2", Named("rng", "slow rng")),
    // 30.3 and 38.5.
    case((10, 5, 1), "rng=130ms", Named("worker", "slow rng")),
    // 33.3 and 25.
    case((20, 10, 1), "rng=400ms seed=3", Named("rng", "slow rng")),
    // 2.86 and 10.
    case((2, 5, 1), "rng=500ms", Named("worker", "slow rng")),
    // 14.3 and 13.3.
    case((5, 2, 1), "rng=150ms seed=4", Named("rng", "slow rng")),
    case((50, 5, 1), "rng=150ms", Named("rng", "slow rng")),
    case((10, 1, 1), "rng=200ms jitter=exponential", Named("rng", "slow rng")),
    // 16.7, 50 and 50.
    case((10, 5, 1), "hasher=400ms", Named("worker", "slow hasher")),
    // 100, 200 and 66.7.
    case((50, 20, 1), "hasher=300ms seed=5", Named("hasher", "slow hasher")),
];

const CAPPED: &[Case] = &[
    // 66.7, 100 and 20.
    case((20, 10, 1), "hasher-places=2", Named("hasher", "capped hasher")),
    case((10, 5, 1), "hasher-places=1 seed=2", Named("hasher", "capped hasher")),
    // 33.3, 50 and 30: all workers together are fewer than the places declared.
    case((10, 5, 1), "hasher-places=3", Named("hasher", "capped hasher")),
    // 167, 200 and 100.
    case((50, 20, 1), "hasher-places=10 seed=3", Named("hasher", "capped hasher")),
    case((50, 20, 2), "hasher-places=5", Named("hasher", "capped hasher")),
    case((5, 5, 1), "hasher-places=1", Named("hasher", "capped hasher")),
    // It says so: then that is what it is.
    case((20, 10, 1), "hasher-places=2 hasher-declares=2", Healthy("hasher")),
];

const SLOW_REDIS: &[Case] = &[
    // 54 of 354 ms.
    case((10, 5, 1), "redis=150ms", Named("redis", "slow redis")),
    case((10, 5, 1), "redis=300ms seed=2", Named("redis", "slow redis")),
    // 72 of 372 ms.
    case((2, 2, 1), "redis=200ms", Named("redis", "slow redis")),
    // 180 of 480 ms.
    case((50, 20, 1), "redis=500ms seed=3", Named("redis", "slow redis")),
    // Behind rng's queue: 10 of 26.9.
    case((10, 1, 1), "redis=200ms", Named("rng", "slow redis")),
    // 22 of 322 ms: too little to be the limit.
    case((10, 5, 1), "redis=60ms seed=4", Named("worker", "slow redis")),
];

const STRAGGLER: &[Case] = &[
    // 33.3 and 5/0.2.
    case((10, 5, 1), "rng.3=200ms", Named("rng", "straggler rng.3")),
    case((10, 5, 1), "rng.1=500ms seed=2", Named("rng", "straggler rng.1")),
    // 167 and 10/0.2.
    case((50, 10, 1), "rng.7=200ms", Named("rng", "straggler rng.7")),
    // 66.7 and 4/0.15.
    case((20, 4, 1), "rng.2=150ms seed=3", Named("rng", "straggler rng.2")),
    // 2/0.35 and 2/0.2.
    case((2, 2, 1), "rng.2=200ms", Named("worker", "straggler rng.2")),
    // 10/0.45, 50, and 2·20/0.4.
    case((10, 5, 2), "hasher.2=400ms seed=4", Named("worker", "straggler hasher.2")),
    case((10, 5, 1), "policy=vip rng.3=200ms", Named("rng", "straggler rng.3")),
    // 119 and 20/0.8, which fills up slowly.
    case((40, 20, 1), "rng.7=800ms seed=5", Named("rng", "straggler rng.7")),
    // After settling, in the warm-up.
    case((10, 5, 1), "rng.5=300ms@3s", Named("rng", "straggler rng.5")),
];

/// Where more than three workers for each replica are pinned, one replica at least has four and is at
/// its limit.
const CONNECTIONS: &[Case] = &[
    case((10, 2, 1), "policy=sticky", Named("rng", "pinned rng")),
    case((20, 5, 1), "policy=sticky seed=2", Named("rng", "pinned rng")),
    case((50, 5, 1), "policy=sticky seed=3", Named("rng", "pinned rng")),
    case((20, 3, 1), "policy=sticky seed=4", Named("rng", "pinned rng")),
    case((50, 10, 1), "policy=sticky@3s seed=5", Named("rng", "pinned rng")),
    // 33.3, and 10 for each replica that is asked.
    case((10, 5, 1), "policy=stale:1", Named("rng", "stale rng")),
    case((10, 5, 1), "policy=stale:2 seed=2", Named("rng", "stale rng")),
    case((50, 10, 1), "policy=stale:5", Named("rng", "stale rng")),
    case((50, 5, 1), "policy=stale:4@3s", Named("rng", "stale rng")),
    // Ten that are pinned at random leave one of five idle every other time: these are pinned, and
    // whether by chance cannot be known.
    case((10, 5, 1), "policy=stale:4@3s seed=2", Named("worker", "pinned rng")),
];

/// What chance costs is in the column `random` of the reference values; who limits is the bound.
const RANDOM: &[Case] = &[
    case((10, 5, 1), "policy=random", Named("worker", "random rng")),
    case((10, 2, 1), "policy=random seed=2", Named("rng", "random rng")),
    case((50, 5, 1), "policy=random", Named("rng", "random rng")),
    case((50, 10, 1), "policy=random seed=3", Named("rng", "random rng")),
    case((5, 2, 1), "policy=random", Named("worker", "random rng")),
    case((5, 5, 1), "policy=random seed=4", Named("worker", "random rng")),
];

const THREADED: &[Case] = &[
    case((10, 1, 1), "rng-places=20", Named("worker", "threaded rng")),
    // 133 of hasher's 200.
    case((40, 1, 1), "rng-places=100 seed=2", Named("worker", "threaded rng")),
    // Five at a time: 133 and 50.
    case((40, 1, 1), "rng-places=5", Named("rng", "threaded rng")),
    // 11.1/s of 0.1 s at each.
    case((10, 3, 1), "rng-places=10 seed=3", Named("worker", "threaded rng")),
    case((20, 2, 1), "rng-places=50", Named("worker", "threaded rng")),
    // It says so.
    case((10, 1, 1), "rng-places=20 rng-declares=20", Healthy("worker")),
];

/// The rest is another app than the one that was asked for, whatever limits it.
const DEAD_WORKER: &[Case] = &[
    case((10, 5, 1), "hung-workers=1@3s", Withheld("9 of 10 workers reported")),
    case((10, 1, 1), "hung-workers=3@3s", Withheld("7 of 10 workers reported")),
    case((50, 5, 1), "hung-workers=1@3s", Withheld("49 of 50 workers reported")),
    // In the window.
    case((10, 5, 1), "hung-workers=2@20s", Withheld("")),
    case((2, 2, 1), "hung-workers=1@20s seed=2", Withheld("")),
    case((10, 1, 1), "hung-workers=1@20s", Withheld("")),
];

const DEAD_REPLICA: &[Case] = &[
    // 33.3 and 40.
    case((10, 5, 1), "rng.3=dead", Named("worker", "dead rng")),
    case((10, 2, 1), "rng.2=dead@3s", Named("rng", "dead rng")),
    case((50, 5, 1), "rng.1=dead seed=2", Named("rng", "dead rng")),
    // 10 of 310 ms.
    case((10, 5, 1), "rng-fails=10", Named("worker", "failing rng")),
    case((5, 5, 2), "hasher-fails=20 seed=3", Named("worker", "failing hasher")),
];

/// A replica with a share q of the processor time it needs takes S/q.
const QUOTA: &[Case] = &[
    case((10, 1, 1), "rng-quota=50%", Named("rng", "starved rng")),
    // 22.2 and 20.
    case((10, 5, 1), "rng-quota=40% seed=2", Named("rng", "starved rng")),
    case((20, 2, 1), "rng-quota=70%", Named("rng", "starved rng")),
    // 125, 200 and 100.
    case((50, 20, 1), "hasher-quota=50% seed=3", Named("hasher", "starved hasher")),
    // Nobody queues at it: then its lateness cannot be told from the network's. 25 and 50.
    case((10, 10, 1), "rng-quota=50%", Named("worker", "overhead")),
];

const DELAYS: &[Case] = &[
    // 10/0.4: a quarter of a loop is under way.
    case((10, 5, 1), "network=50ms", Named("worker", "overhead")),
    case((50, 20, 1), "network=100ms seed=2", Named("worker", "overhead")),
    case((10, 1, 1), "network=50ms", Named("rng", "overhead")),
    case((10, 5, 1), "think=300ms", Named("worker", "long think")),
    case((10, 1, 1), "think=500ms seed=3", Named("rng", "long think")),
    case((2, 1, 1), "think=1s", Named("worker", "long think")),
    // 22.7 and 50.
    case((50, 5, 1), "think=2s seed=4", Named("worker", "long think")),
    case((10, 5, 1), "think=200ms@3s", Named("worker", "long think")),
    // Less than in the original is no fault.
    case((10, 2, 1), "think=0", Healthy("rng")),
    case((10, 8, 1), "think=50ms", Healthy("worker")),
];

/// The dearer is the first: the one without which the app would do more.
const TWO: &[Case] = &[
    // Without the straggler 33.3/1.06, without Redis 10.
    case((10, 5, 1), "rng.1=500ms redis=50ms", Named("rng", "straggler rng.1")),
    // A loop is 180 ms longer by Redis, 6 ms by the straggler.
    case((10, 5, 1), "rng.1=130ms redis=500ms seed=2", Named("redis", "slow redis")),
    case((20, 10, 1), "hasher-places=2 think=200ms", Named("hasher", "capped hasher")),
    case((20, 10, 1), "hasher-places=2 network=50ms", Named("hasher", "capped hasher")),
    case((10, 1, 1), "rng=300ms redis=200ms seed=3", Named("rng", "slow rng")),
    // A loop is 300 ms longer by thinking; chance costs a sixth at most.
    case((10, 5, 1), "policy=random think=400ms", Named("worker", "long think")),
    case((10, 1, 1), "rng-places=20 hasher-places=2", Named("hasher", "capped hasher")),
    case((50, 10, 1), "policy=stale:2 think=200ms", Named("rng", "stale rng")),
    // 30 ms by rng, 300 ms by hasher.
    case((10, 5, 1), "rng=130ms hasher=400ms seed=4", Named("worker", "slow hasher")),
    // 200 ms of the network; a replica in five is 50 ms slower, and R/S of it is 33.3 of 19.6.
    case((10, 5, 1), "network=100ms rng.2=150ms", Named("worker", "overhead")),
    // 4/0.5, and chance in turn has a sixth of 66.7 at most.
    case((20, 4, 1), "policy=random rng.1=500ms seed=5", Named("rng", "straggler rng.1")),
    // 16.7 and 10.
    case((10, 2, 1), "rng-quota=50% think=300ms", Named("rng", "starved rng")),
    // 25 by the straggler, 33.3 without; a longer think changes nothing at that.
    case((20, 5, 1), "rng.4=200ms think=200ms", Named("rng", "straggler rng.4")),
];

const UNSTEADY: &[Case] = &[
    case((10, 1, 1), "tells=no", Withheld("only the rate is known")),
    case((10, 5, 1), "tells=no seed=2", Withheld("only the rate is known")),
    // In most of the window rng limits, as at its end.
    case((10, 5, 1), "rng=1s@20s", Named("rng", "slow rng")),
    // Now it is fast, now it is slow.
    case(
        (10, 5, 1),
        "rng=1s@15s rng=100ms@30s rng=1s@45s rng=100ms@60s rng=1s@75s rng=100ms@90s rng=1s@105s",
        Withheld(""),
    ),
    case(
        (20, 2, 1),
        "hasher-places=1@15s hasher-places=20@30s hasher-places=1@45s hasher-places=20@60s \
         hasher-places=1@75s hasher-places=20@90s hasher-places=1@105s \
         hasher-places=20@120s hasher-places=1@135s hasher-places=20@150s",
        Withheld(""),
    ),
];
