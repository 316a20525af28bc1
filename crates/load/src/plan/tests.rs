//! What becomes of command lines.

use clap::Parser;

use super::arriving::{LONGEST_STEP, STEP_WARMUP, STEP_WINDOW, WINDOW};
use super::*;
use crate::numbers::float;

#[derive(Parser)]
struct Typed {
    #[command(flatten)]
    settings: Settings,
}

fn typed(line: &[&str]) -> Settings {
    Typed::try_parse_from(std::iter::once(&"load").chain(line)).unwrap().settings
}

fn settings(line: &str) -> Settings {
    typed(&line.split(' ').collect::<Vec<_>>())
}

fn plan(line: &str) -> Plan {
    Plan::new(&settings(line)).unwrap()
}

fn text(request: &Request) -> String {
    let prepared = Prepared::new(request, &"http://a/".parse().unwrap(), exchange::Form::Origin);
    String::from_utf8_lossy(prepared.bytes()).into_owned()
}

#[test]
fn a_line_for_wrk_is_understood() {
    let plan = plan("-t2 -c64 -d10s --latency http://localhost:8001/32 -H X:1 --timeout 2s");
    assert_eq!((plan.threads, plan.connections, &plan.arrival), (2, 64, &Arrival::Closed));
    assert_eq!(plan.limits.window, Some(WINDOW));
    assert_eq!(plan.timeout, Duration::from_secs(2));
    assert!(text(&plan.targets[0].variants[0]).contains("x: 1\r\n"));
    let refused = Plan::new(&settings("-s post.lua http://a/")).unwrap_err().to_string();
    assert!(refused.contains("Lua") && refused.contains("--body"), "{refused}");
}

#[test]
fn a_number_of_requests_takes_the_place_of_the_length() {
    assert_eq!(plan("a").limits.window, Some(WINDOW));
    assert_eq!(plan("-n 5 a").limits.window, None);
    assert_eq!(plan("-n 5 -d 3 a").limits.window, Some(Duration::from_secs(3)));
    assert_eq!(plan("-n 5 a").limits.requests, Some(5));
}

#[test]
fn rates_ramps_and_stages_are_profiles_that_begin_with_the_warmup() {
    let profile = |line: &str| match plan(line).arrival {
        Arrival::Open { profile, .. } => profile,
        Arrival::Closed => panic!("{line} is open"),
    };
    let near = |line: &str, expected: f64| {
        let counted = profile(line).expected(Duration::from_hours(1));
        assert!((counted - expected).abs() < 1e-6, "{line}: {counted}");
    };
    near("--rate 1000 -d 10 a", 10_000.0);
    near("--rate 1000 -d 10 --warmup 2 a", 12_000.0);
    near("--ramp 100..300 -d 10 a", 2_000.0);
    near("--stages 100:10,100..300:10 a", 3_000.0);
    assert_eq!(plan("--stages 100:10,0:5 a").limits.window, Some(Duration::from_secs(15)));
    assert_eq!(profile("--rate 5 -n 10 a").length(), None);
}

#[test]
fn targets_of_one_server_share_connections() {
    let plan = plan("http://a:1/x http://a:1/y http://b:1/");
    assert_eq!(plan.origins.len(), 2);
    let origins: Vec<_> = plan.targets.iter().map(|target| target.origin).collect();
    assert_eq!(origins, [0, 0, 1]);
}

#[test]
fn weights_are_kept_as_evenly_as_can_be() {
    assert_eq!(order(&[1]), [0]);
    assert_eq!(order(&[3, 1]), [0, 0, 1, 0]);
    let many = order(&[5, 3, 2]);
    for (target, weight) in [(0, 5), (1, 3), (2, 2)] {
        assert_eq!(many.iter().filter(|at| **at == target).count(), weight);
    }
}

#[test]
fn bodies_are_for_methods_that_take_them() {
    let alone = plan("--body abc a");
    assert!(text(&alone.targets[0].variants[0]).starts_with("POST / "));
    let mixed = typed(&["--body", "abc", "--target", "GET a/32", "--target", "3 POST a"]);
    let plan = Plan::new(&mixed).unwrap();
    let texts: Vec<_> = plan.targets.iter().map(|target| text(&target.variants[0])).collect();
    assert!(!texts[0].contains("abc") && texts[1].ends_with("\r\n\r\nabc"), "{texts:?}");
    assert_eq!(plan.targets[1].weight, 3);
}

#[test]
fn random_bodies_differ_and_come_again_with_the_same_seed() {
    let bodies = |line: &str| -> Vec<_> {
        plan(line).targets[0].variants.iter().map(|request| request.body.clone()).collect()
    };
    let some = bodies("--body-random 32 a");
    assert_eq!(some.len(), 64);
    assert!(some.iter().all(|body| body.len() == 32) && some[0] != some[1]);
    assert_eq!(bodies("--body-random 32 a"), some);
    assert_ne!(bodies("--body-random 32 --seed 2 a"), some);
    assert_eq!(bodies("--body-random 10M a").len(), 6);
    assert!(matches!(Plan::new(&settings("--body-random 64M a")), Err(Refusal::LargeBody(_))));
}

#[test]
fn too_few_files_are_refused_with_the_fix() {
    let plan = plan("-t1 -c100 a");
    assert!(plan.fits(None).is_ok() && plan.fits(Some(137)).is_ok());
    let refusal = plan.fits(Some(136)).unwrap_err().to_string();
    assert!(refusal.contains("ulimit -n 137") && refusal.contains("--connections 99"), "{refusal}");
    let one = Plan { connections: 1, ..plan };
    assert_eq!(
        one.fits(Some(30)).unwrap_err().to_string(),
        "too few open files for 1 connection: 38 are needed, the limit is 30; raise it with \
         `ulimit -n 38`"
    );
}

#[test]
fn a_step_of_a_search_has_its_own_rate_and_length() {
    let step = plan("--find-max --slo p99<1s a").at_rate(50.0, 0, false);
    assert_eq!(step.limits.window, Some(STEP_WINDOW));
    let Arrival::Open { profile, .. } = &step.arrival else { panic!("steps are open") };
    let longer = |rate, requests| {
        plan("--find-max --slo p99<1s a").at_rate(rate, requests, false).limits.window.unwrap()
    };
    assert_eq!(longer(100.0, 1_000), Duration::from_secs(11));
    assert_eq!(longer(1_000.0, 1_000), STEP_WINDOW);
    assert_eq!(longer(1.0, 1_000), LONGEST_STEP);
    let confirming = |rate, requests| {
        let plan = plan("--find-max --slo p99<1s a").at_rate(rate, requests, true);
        plan.limits.window.unwrap()
    };
    assert_eq!(confirming(1_000.0, 1_000), 4 * STEP_WINDOW);
    assert_eq!(confirming(40.0, 1_000), Duration::from_secs(52));
    let seconds = (STEP_WINDOW + STEP_WARMUP).as_secs();
    assert!((profile.expected(Duration::from_hours(1)) - 50.0 * float(seconds)).abs() < 1e-6);
}

#[test]
fn nothing_to_load_is_refused() {
    assert!(matches!(Plan::new(&settings("-c1")), Err(Refusal::NoTarget)));
    assert!(matches!(Plan::new(&settings("ftp://a")), Err(Refusal::Url(_))));
}
