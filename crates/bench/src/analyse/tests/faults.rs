//! Faults with known truth: what the first answer is, and what it says.

use model::{Distribution, Policy, Seconds};
use observation::{Latency, Stage};

use super::app::{App, about, count, replica};
use crate::analyse::seen::Seen;
use crate::analyse::services::known;
use crate::analyse::{Cause, CauseFindings, Limit, Spreading, StepFindings, step};
use crate::cluster::Service;
use crate::measure::Station;

fn first(findings: &StepFindings) -> &CauseFindings {
    findings.causes.first().unwrap_or_else(|| panic!("no cause: {findings:#?}"))
}

fn limit(findings: &StepFindings) -> Limit {
    let bottleneck = findings.bottleneck.as_ref();
    bottleneck.unwrap_or_else(|| panic!("withheld: {:?}", findings.withheld)).service
}

fn sentence(findings: &StepFindings) -> &str {
    &findings.bottleneck.as_ref().unwrap().sentence
}

fn cost(cause: &CauseFindings) -> f64 {
    cause.cost_hashes_per_second.map_or(0.0, |cost| cost.value)
}

fn within(value: f64, of: f64, share: f64) -> bool {
    (value / of - 1.0).abs() < share
}

#[test]
fn a_healthy_app_has_no_cause_and_a_sure_verdict() {
    for (workers, rng, expected) in
        [(1, 1, Limit::Worker), (10, 1, Limit::Rng), (10, 3, Limit::Rng), (10, 5, Limit::Worker)]
    {
        let app = App::new(workers, rng);
        let findings = step(&app.samples());
        assert_eq!(limit(&findings), expected, "{workers}, {rng}");
        assert_eq!(findings.causes, [], "{workers}, {rng}");
        assert_eq!(findings.warnings, Vec::<String>::new(), "{workers}, {rng}");
        assert_eq!(findings.unseen, Vec::<String>::new());
        assert_eq!(findings.course.as_deref(), Some("flat"));
        let rate = findings.hashes_per_second.interval.value;
        assert!(within(rate, app.truth(), 0.005), "{rate} {}", app.truth());
        let certainty = findings.certainty.unwrap();
        assert!(certainty.probability.value > 0.99, "{certainty:?}");
    }
}

#[test]
fn a_straggler_is_named_with_its_cost() {
    let app = App::new(10, 5).stage(0, |rng| rng.with_exception(3, Some(replica(1, 0.2))).unwrap());
    let findings = step(&app.samples());
    assert_eq!(limit(&findings), Limit::Rng);
    let cause = first(&findings);
    let named = Cause::Straggler { service: Service::Rng, replica: "rng.3".to_owned() };
    assert_eq!(cause.cause, named);
    assert!(within(cost(cause), 33.3 - 25.0, 0.1), "{cause:?}");
    assert!(sentence(&findings).starts_with("rng.3 takes 200 ms for a request, the other rng"));
    assert!(within(findings.bounds.unwrap().rng.unwrap(), 25.0, 0.01), "{:?}", findings.bounds);
    assert_eq!(findings.actions[0].action, "restart rng.3");
    assert!(within(findings.actions[0].hashes_per_second.value, 33.3, 0.02));
}

#[test]
fn chance_makes_no_stragglers() {
    let exponential = model::Distribution::exponential(about(0.1).mean());
    let like = model::Replica { places: count(1), service: exponential };
    for seed in 1..=6 {
        let mut app = App::new(10, 5).replicas_like(0, &like);
        (app.seed, app.window_s) = (seed, 20);
        let samples = app.samples();
        let seen = Seen::of(&samples, &mut Vec::new());
        let [rng, _] = known(&seen, Policy::RoundRobin);
        assert_eq!(rng.stragglers, Vec::<&str>::new(), "seed {seed}");
        let means = seen.rng.replicas.values().map(|replica| replica.service_s().unwrap());
        let slowest = means.fold(0.0, f64::max);
        assert!(slowest > 0.1, "{slowest}: there is no chance in this");
    }
}

#[test]
fn stale_connections_are_named_after_a_scale_up() {
    let app = App::new(10, 5).spread(Policy::Stale(count(1)), "round-robin");
    let findings = step(&app.samples());
    assert_eq!(limit(&findings), Limit::Rng);
    let cause = first(&findings);
    assert_eq!(cause.cause, Cause::Stale { service: Service::Rng, replicas: 4 });
    assert!(within(cost(cause), 23.3, 0.05), "{cause:?}");
    assert!(sentence(&findings).starts_with("4 of 5 rng replicas are never asked"));
}

#[test]
fn pinned_connections_are_named() {
    let mut app = App::new(10, 5).spread(Policy::Sticky, "round-robin");
    // A draw that leaves some replica nearly or fully idle, and crowds another.
    app.seed = 4;
    let findings = step(&app.samples());
    let cause = first(&findings);
    assert_eq!(cause.cause, Cause::Pinned { service: Service::Rng });
    let lost = 33.33 - app.truth();
    assert!((cost(cause) - lost).abs() < 0.5, "{cause:?} {lost}");
    let adds_rng = |action: &str| action.starts_with("rng 5");
    assert!(!findings.actions.iter().any(|action| adds_rng(&action.action)));
}

/// How requests to rng look to be spread, of workers that say so.
fn looks(app: &App, declared: Policy) -> Option<Spreading> {
    let samples = app.samples();
    let seen = Seen::of(&samples, &mut Vec::new());
    known(&seen, declared)[0].spreading
}

#[test]
fn policies_are_recognised() {
    for (policy, declared, expected) in [
        (Policy::RoundRobin, Policy::RoundRobin, Spreading::InTurn),
        (Policy::RoundRobin, Policy::Random, Spreading::InTurn),
        (Policy::SharedRoundRobin, Policy::SharedRoundRobin, Spreading::InTurn),
        (Policy::Random, Policy::Random, Spreading::Random),
        (Policy::Random, Policy::RoundRobin, Spreading::Random),
        (Policy::LeastOutstanding, Policy::LeastOutstanding, Spreading::InTurn),
        (Policy::Stale(count(2)), Policy::RoundRobin, Spreading::Stale),
    ] {
        for seed in 1..=2 {
            let mut app = App::new(10, 5).spread(policy, "");
            (app.seed, app.window_s) = (seed, 20);
            let found = looks(&app, declared);
            assert_eq!(found, Some(expected), "{policy:?}, {declared:?}, {seed}");
        }
    }
}

#[test]
fn the_slow_that_gets_less_is_avoided() {
    let app = App::new(10, 5)
        .spread(Policy::SharedLeastOutstanding, "")
        .stage(0, |rng| rng.with_exception(0, Some(replica(1, 0.4))).unwrap());
    assert_eq!(looks(&app, Policy::Random), Some(Spreading::ByLoad));
}

#[test]
fn one_worker_of_two_replicas_is_taken_at_its_word() {
    // Random counts of one worker at two replicas are often as even as turns.
    let mut app = App::new(1, 2);
    app.window_s = 20;
    assert_eq!(looks(&app, Policy::RoundRobin), Some(Spreading::InTurn));
    assert_eq!(looks(&app.spread(Policy::Random, ""), Policy::Random), Some(Spreading::Random));
}

#[test]
fn random_balancing_has_its_cost() {
    let app = App::new(10, 5).spread(Policy::Random, "random");
    let findings = step(&app.samples());
    let cause = first(&findings);
    assert_eq!(cause.cause, Cause::Random { service: Service::Rng });
    // 28.97 instead of 33.33.
    assert!(within(cost(cause), 4.36, 0.15), "{cause:?}");
    assert_eq!(limit(&findings), Limit::Worker);
}

#[test]
fn a_threaded_rng_is_recognised() {
    for (workers, expected) in [(10, Limit::Worker), (40, Limit::Worker)] {
        let app = App::new(workers, 1).replicas_like(0, &replica(10_000, 0.1));
        let findings = step(&app.samples());
        // Forty workers are two thirds of what hasher can do.
        assert_eq!(limit(&findings), expected, "{findings:#?}");
        let threaded = Cause::Threaded { service: Service::Rng };
        assert_eq!(first(&findings).cause, threaded);
        assert_eq!(findings.bounds.unwrap().rng, None);
        let concurrency = &findings.services[0].concurrency;
        assert!(
            within(concurrency.seen.unwrap(), f64::from(workers) / 3.0, 0.02),
            "{concurrency:?}"
        );
    }
}

#[test]
fn places_beyond_those_declared_are_counted_when_they_are_full() {
    let app = App::new(40, 1).replicas_like(0, &replica(5, 0.1));
    let findings = step(&app.samples());
    assert_eq!(limit(&findings), Limit::Rng);
    assert!(within(findings.bounds.unwrap().rng.unwrap(), 50.0, 0.02), "{:?}", findings.bounds);
    assert_eq!(first(&findings).cause, Cause::Threaded { service: Service::Rng });
}

#[test]
fn a_capped_hasher_is_the_limit_whatever_it_declares() {
    let app = App::new(20, 10).replicas_like(1, &replica(2, 0.1));
    let findings = step(&app.samples());
    assert_eq!(limit(&findings), Limit::Hasher);
    let cause = first(&findings);
    assert_eq!(cause.cause, Cause::Capped { service: Service::Hasher });
    assert!(within(cost(cause), 66.7 - 20.0, 0.05), "{cause:?}");
    let mut says_so = app;
    let station = Station { concurrency: Some(2), service_time_ms: None };
    says_so.stations.hasher = Some(station);
    let findings = step(&says_so.samples());
    assert_eq!(limit(&findings), Limit::Hasher);
    assert_eq!(findings.causes, []);
}

#[test]
fn a_starved_rng_is_the_limit_and_its_lateness_is_named() {
    // It takes 150 ms, says 100, and the other 50 are neither queue nor work.
    let mut app = App::new(10, 1).replicas_like(0, &replica(1, 0.15));
    app.says[0] = 2.0 / 3.0;
    let findings = step(&app.samples());
    assert_eq!(limit(&findings), Limit::Rng);
    assert_eq!(first(&findings).cause, Cause::Starved { service: Service::Rng });
    assert!(within(cost(first(&findings)), 10.0 - 6.67, 0.05), "{:?}", first(&findings));
    assert!(within(findings.bounds.unwrap().rng.unwrap(), 6.67, 0.01), "{:?}", findings.bounds);
}

#[test]
fn a_cap_and_lateness_show_before_every_request_waits() {
    // Three places at hasher are one short: some requests wait, though twenty places are declared.
    let capped = step(&App::new(10, 5).replicas_like(1, &replica(3, 0.1)).samples());
    assert_eq!(limit(&capped), Limit::Hasher);
    assert_eq!(first(&capped).cause, Cause::Capped { service: Service::Hasher });
    let mut late = App::new(10, 3).replicas_like(0, &replica(1, 0.2));
    late.says[0] = 0.5;
    let late = step(&late.samples());
    assert_eq!(limit(&late), Limit::Rng);
    assert_eq!(first(&late).cause, Cause::Starved { service: Service::Rng });
    let threaded = step(&App::new(10, 3).replicas_like(0, &replica(9, 0.1)).samples());
    assert_eq!(limit(&threaded), Limit::Worker);
    assert_eq!(first(&threaded).cause, Cause::Threaded { service: Service::Rng });
}

#[test]
fn slow_services_are_named() {
    let rng = step(&App::new(10, 1).replicas_like(0, &replica(1, 0.3)).samples());
    let slow = Cause::SlowService { service: Service::Rng };
    assert_eq!((limit(&rng), &first(&rng).cause), (Limit::Rng, &slow));
    assert!(within(cost(first(&rng)), 10.0 - 3.33, 0.05), "{:?}", first(&rng));
    let hasher = step(&App::new(10, 5).replicas_like(1, &replica(20, 0.4)).samples());
    let slow = Cause::SlowService { service: Service::Hasher };
    assert_eq!((limit(&hasher), &first(&hasher).cause), (Limit::Worker, &slow));
    assert!(within(cost(first(&hasher)), 33.3 - 16.7, 0.05), "{:?}", first(&hasher));
}

#[test]
fn slow_redis_is_named() {
    let findings = step(&App::new(10, 5).taking(Stage::Redis, 0.1).samples());
    assert_eq!(limit(&findings), Limit::Redis);
    assert_eq!(first(&findings).cause, Cause::SlowRedis);
    assert!(within(cost(first(&findings)), 33.3 - 25.0, 0.05), "{:?}", first(&findings));
    assert!(sentence(&findings).contains("Redis"), "{}", sentence(&findings));
    // Behind a queue it costs nothing.
    let hidden = step(&App::new(10, 1).taking(Stage::Redis, 0.1).samples());
    assert!(cost(first(&hidden)) < 0.1 && sentence(&hidden).starts_with("rng"), "{hidden:#?}");
}

#[test]
fn longer_thinking_lateness_and_repeating_are_named() {
    let thinks = step(&App::new(10, 5).thinking(0.3).samples());
    assert_eq!((limit(&thinks), &first(&thinks).cause), (Limit::Worker, &Cause::LongThink));
    let late = step(&App::new(10, 5).taking(Stage::Rng, 0.1).samples());
    assert_eq!((limit(&late), &first(&late).cause), (Limit::Worker, &Cause::Overhead));
    assert!(first(&late).sentence.contains(", most of it at rng;"), "{}", first(&late).sentence);
    let mut app = App::new(10, 5).taking(Stage::Retry, 0.1);
    app.errors = vec![("rng: closed", 700)];
    let repeats = step(&app.samples());
    let failing = Cause::Failing { service: Service::Rng };
    assert_eq!((limit(&repeats), &first(&repeats).cause), (Limit::Worker, &failing));
    assert!(repeats.warnings.iter().any(|warning| warning.contains("700 requests failed")));
}

/// What is late for some requests and not for others may as well stand still: then it is full.
#[test]
fn what_may_stand_still_now_and_then_is_not_taken_for_idle() {
    let varying = Distribution::exponential(Seconds::new(0.1).unwrap());
    let app = App::new(10, 5).taking_as(Stage::Rng, varying.clone());
    let withheld = step(&app.samples()).withheld.unwrap();
    assert!(withheld.reason.contains("stands still now and then"), "{withheld:?}");
    // With replicas to spare it would have time enough for that.
    let spare = step(&App::new(10, 20).taking_as(Stage::Rng, varying).samples());
    assert_eq!(limit(&spare), Limit::Worker);
}

#[test]
fn a_dead_replica_that_is_still_asked_is_named() {
    let mut app = App::new(10, 5)
        .stage(0, |rng| rng.with_exception(2, None).unwrap())
        .taking(Stage::Retry, 0.05);
    app.errors = vec![("rng: connect", 400)];
    let findings = step(&app.samples());
    assert_eq!(first(&findings).cause, Cause::Dead { service: Service::Rng, replicas: 1 });
    assert!(sentence(&findings).starts_with("1 of 5 rng replicas never answered"));
    assert_eq!(findings.actions[0].action, "worker 10 to 11", "{:?}", findings.actions);
}

#[test]
fn of_two_faults_the_dearer_is_first() {
    let straggler = |seconds| {
        move |rng: model::Stage| rng.with_exception(0, Some(replica(1, seconds))).unwrap()
    };
    let findings =
        step(&App::new(10, 5).stage(0, straggler(0.5)).taking(Stage::Redis, 0.05).samples());
    let kinds: Vec<_> = findings.causes.iter().map(|cause| &cause.cause).collect();
    assert!(matches!(kinds[..], [Cause::Straggler { .. }, Cause::SlowRedis]), "{kinds:?}");
    assert_eq!(limit(&findings), Limit::Rng);
    let findings =
        step(&App::new(10, 5).stage(0, straggler(0.13)).taking(Stage::Redis, 0.2).samples());
    let kinds: Vec<_> = findings.causes.iter().map(|cause| &cause.cause).collect();
    assert!(matches!(kinds[..], [Cause::SlowRedis, Cause::Straggler { .. }]), "{kinds:?}");
    assert_eq!(limit(&findings), Limit::Redis);
}

#[test]
fn an_app_that_changes_has_no_verdict() {
    let mut samples = App::new(10, 5).samples();
    let slower = App::new(10, 1).samples();
    // After 50 of 60 s it slows down to a third.
    let (at, from) = (samples.workers[50].clone(), &slower.workers[50]);
    for (counts, others) in samples.workers.iter_mut().zip(&slower.workers).skip(51) {
        for (id, count) in counts {
            count.loops = at[id].loops + (others[id].loops - from[id].loops);
        }
    }
    let findings = step(&samples);
    assert_eq!(findings.course.as_deref(), Some("no_steady_state"));
    assert!(findings.withheld.unwrap().reason.contains("still changed at the end"));
}

#[test]
fn a_bench_that_could_not_keep_up_has_no_verdict() {
    let mut samples = App::new(10, 5).samples();
    samples.counter.drain(300..600);
    let reason = |samples| step(samples).withheld.unwrap().reason;
    assert!(reason(&samples).starts_with("bench could not keep up"));
    let mut samples = App::new(10, 5).samples();
    samples.failed_readings = 300;
    assert!(reason(&samples).contains("readings failed"));
}

#[test]
fn a_verdict_that_other_windows_would_not_repeat_is_withheld() {
    // Three rng are at their limit, if only on average: they work 70 ms longer and shorter in turn, ten
    // seconds each, so that windows drawn from these seconds have more or less of either.
    let mut samples = App::new(10, 3).samples();
    assert!(step(&samples).certainty.unwrap().probability.value > 0.99);
    let sums: Vec<u64> =
        samples.moments.iter().map(|m| m.totals.stages[&Stage::RngService].sum_us()).collect();
    let mut sum = sums[0];
    for (second, moment) in samples.moments.iter_mut().enumerate().skip(1) {
        let percent = if second / 10 % 2 == 0 { 170 } else { 30 };
        sum += (sums[second] - sums[second - 1]) * percent / 100;
        let count = moment.totals.stages[&Stage::RngService].count();
        moment.totals.stages.insert(Stage::RngService, Latency::of_sums(count, sum));
    }
    let found = step(&samples);
    let sure = found.certainty.map(|certainty| (certainty.probability, certainty.block_seconds));
    let reason = found.withheld.unwrap_or_else(|| panic!("{sure:?}")).reason;
    assert!(reason.starts_with("rng seems to be the limit, but only"), "{reason}");
}

#[test]
fn ways_of_looking_that_disagree_are_named() {
    let sentence = |app: &App| sentence(&step(&app.samples())).to_owned();
    let random = sentence(&App::new(10, 5).spread(Policy::Random, "random"));
    assert!(random.contains("Not all agree: by queue length it is rng ("), "{random}");
    let agreed = sentence(&App::new(10, 1));
    assert!(!agreed.contains("Not all agree"), "{agreed}");
}

#[test]
fn too_few_seconds_have_no_verdict() {
    let mut samples = App::new(10, 5).samples();
    samples.moments.truncate(8);
    let reason = step(&samples).withheld.unwrap().reason;
    assert!(reason.starts_with("the window holds too little"), "{reason}");
}

#[test]
fn of_an_app_without_reports_it_says_what_is_not_known() {
    let mut samples = App::new(10, 1).samples();
    for observation in [&mut samples.first, &mut samples.last] {
        observation.workers.clear();
    }
    samples.moments.clear();
    samples.workers.iter_mut().for_each(std::collections::BTreeMap::clear);
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.contains("only the rate is known"));
    let unseen = findings.unseen.join("\n");
    assert!(
        unseen.contains("takes workers that send reports") && unseen.contains("limited by rng")
    );
    assert!(findings.causes.is_empty() && findings.services.is_empty());
    let Some(half) = findings.hashes_per_second.statistical else { panic!("no interval") };
    assert!(half < 0.5, "{half}");
}
