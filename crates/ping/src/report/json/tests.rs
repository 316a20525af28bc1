//! One document, whatever happened.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::report::fixtures::{answered, refused, reported, timed_out, with};

fn document(words: &str, probes: &[crate::prober::Probe]) -> Value {
    let (out, notes) = reported(&format!("--json {words} 127.0.0.1:18080/32"), probes);
    assert!(!notes.contains('{'), "{notes}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn the_fields_have_units_in_their_names() {
    let told = with(answered(0, 735), |reply| {
        reply.server.queue_us = Some(150);
        reply.replica = Some("rng.1".to_owned());
    });
    let mut document = document("-c 2", &[told, refused(1)]);
    document["started"] = json!("NOW");
    document["summary"]["round_trip"].as_object_mut().unwrap().remove("standard_deviation_ms");
    assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn phases_add_up_to_the_total() {
    let document = document("", &[answered(0, 735)]);
    let row = &document["probes"][0];
    let names = ["resolve", "connect", "tls", "send", "wait", "receive"];
    let sum: f64 = names.iter().filter_map(|n| row[format!("{n}_ms")].as_f64()).sum();
    assert!((sum - row["total_ms"].as_f64().unwrap()).abs() < 0.001, "{row}");
}

#[test]
fn failures_have_a_kind_and_words_and_none_is_needed() {
    let probes = [timed_out(0), with(answered(1, 700), |reply| reply.answer.status = 500)];
    let document = document("--fail-above avg=1", &probes);
    let failure = &document["probes"][0]["failure"];
    assert_eq!(*failure, json!({"kind": "timeout", "message": "no answer in time (30 s)"}));
    assert_eq!(document["probes"][1]["failure"]["kind"], "status_500");
    assert_eq!(document["summary"]["failures"], json!({"status_500": 1, "timeout": 1}));
    assert_eq!(document["summary"]["round_trip"], Value::Null);
    let missed = json!([{"measure": "avg", "most_ms": 1.0, "was_ms": null}]);
    assert_eq!(document["summary"]["bounds_missed"], missed);
    let none = self::document("", &[]);
    assert_eq!(none["probes"], json!([]));
    assert_eq!(none["summary"]["probes"], 0);
}

proptest! {
    #[test]
    fn any_words_of_a_server_are_escaped(reason in any::<String>(), replica in any::<String>()) {
        let probe = with(answered(0, 700), |reply| {
            reply.reason.clone_from(&reason);
            reply.replica = Some(replica.clone());
        });
        let document = document("", &[probe]);
        prop_assert_eq!(document["probes"][0]["reason"].as_str(), Some(&*reason));
        prop_assert_eq!(&document["summary"]["replicas"], &json!({replica: 1}));
    }
}
