//! httping's keys in httping's order, and JSON whatever servers write.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::report::fixtures::{answered, refused, reported, with};

#[test]
fn keys_and_strings_are_httpings() {
    let probes = [answered(0, 735), refused(1)];
    let (out, notes) = reported("-M 127.0.0.1:18080", &probes);
    assert_eq!(notes, "");
    assert_snapshot!(out);
    let values: Vec<Value> = serde_json::from_str(&out).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().len();
    assert_eq!(keys(&values[0]), keys(&values[1]), "every object has every key");
    assert!(values.iter().flat_map(|v| v.as_object().unwrap().values()).all(Value::is_string));
    assert!(serde_json::from_str::<Value>(&reported("-M x", &[]).0).unwrap().is_array());
}

#[test]
fn numbers_are_as_c_writes_them() {
    for (number, expected) in [
        (0.011_920_93, "1.192093e-02"),
        (-1.0, "-1.000000e+00"),
        (0.0, "0.000000e+00"),
        (22.012, "2.201200e+01"),
        (1e-10, "1.000000e-10"),
        (1.5e123, "1.500000e+123"),
    ] {
        assert_eq!(exponential(number), expected);
    }
}

proptest! {
    #[test]
    fn any_words_of_a_server_stay_inside_their_string(reason in any::<String>()) {
        let probe = with(answered(0, 700), |reply| reply.reason.clone_from(&reason));
        let (out, _) = reported("-M 127.0.0.1:18080", &[probe]);
        let values: Value = serde_json::from_str(&out).unwrap();
        let message = values[0]["msg"].as_str().unwrap();
        prop_assert!(message.starts_with("200"));
        prop_assert_eq!(out.lines().count(), 3);
    }

    #[test]
    fn any_number_is_read_back(number in -1e12_f64..1e12) {
        let back: f64 = exponential(number).parse().unwrap();
        prop_assert!((back - number).abs() <= number.abs() * 1e-6);
    }
}
