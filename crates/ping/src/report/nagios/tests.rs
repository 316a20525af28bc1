//! One line and its exit code.

use crate::report::fixtures::{answered, refused, reported};

fn line(words: &str, probes: &[crate::prober::Probe]) -> String {
    reported(&format!("{words} 127.0.0.1:18080"), probes).0
}

#[test]
fn the_average_is_judged_by_two_limits() {
    let probes = [answered(0, 2_000), answered(1, 4_000)];
    assert_eq!(line("-n 5,10", &probes), "OK - average httping-time is 3.0 ()|ping=3.000000\n");
    assert_eq!(line("-n 3,10", &probes), "WARNING - average httping-time is 3.0\n");
    assert_eq!(line("-n 1,3", &probes), "CRITICAL - average httping-time is 3.0\n");
    let why = "cannot connect to 127.0.0.1:18080: Connection refused";
    let none = line("-n 5,10", &[refused(0)]);
    assert_eq!(none, format!("CRITICAL - connecting failed: {why}\n"));
    let some = line("-n 5,10", &[answered(0, 2_000), refused(1)]);
    assert_eq!(some, format!("OK - average httping-time is 2.0 ({why})|ping=2.000000\n"));
}

#[test]
fn any_failure_is_one() {
    let fine = line("-N 4", &[answered(0, 972)]);
    assert_eq!(fine, "OK - all fine, avg httping time is 1.0|ping=0.972000\n");
    let one = line("-N 4", &[answered(0, 972), refused(1)]);
    assert!(one.starts_with("CRITICAL: - failed: cannot connect to"), "{one}");
    assert!(line("-N 4", &[]).starts_with("CRITICAL"));
}
