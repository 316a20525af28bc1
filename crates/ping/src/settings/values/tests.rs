//! Which values are taken, and what is said of others.

use proptest::prelude::*;

use super::*;

#[test]
fn times_have_a_unit_or_that_of_their_flag() {
    for (text, expected) in [
        ("0.2", Duration::from_millis(200)),
        ("1", Duration::from_secs(1)),
        ("200ms", Duration::from_millis(200)),
        ("1.5s", Duration::from_millis(1_500)),
        ("1m", Duration::from_mins(1)),
        ("50us", Duration::from_micros(50)),
        ("0", Duration::ZERO),
    ] {
        assert_eq!(seconds(text), Ok(expected), "{text}");
    }
    assert_eq!(milliseconds("250"), Ok(Duration::from_millis(250)));
    assert_eq!(milliseconds("0.5s"), Ok(Duration::from_millis(500)));
    for wrong in ["", "-1", "abc", "1h", "1.2.3", "ms", "NaN", "inf", "1e3"] {
        assert!(seconds(wrong).unwrap_err().contains("0.2, 200ms"), "{wrong}");
    }
    assert!(seconds("86401").unwrap_err().contains("a day"));
    assert!(positive_seconds("0").unwrap_err().contains("more than 0"));
}

#[test]
fn statuses_are_listed_by_code_or_class() {
    let ok: Statuses = "2xx,304".parse().unwrap();
    let has: Vec<_> = [199, 200, 299, 300, 304].into_iter().filter(|s| ok.has(*s)).collect();
    assert_eq!(has, [200, 299, 304]);
    assert_eq!(ok.to_string(), "2xx,304");
    let all = Statuses::default();
    assert!(all.has(200) && all.has(404) && !all.has(500) && !all.has(599));
    assert_eq!(all.to_string(), "all but 5xx");
    for wrong in ["", "20", "2xxx", "xx", "0xx", "1000", "200;301", "200,"] {
        assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
    }
}

#[test]
fn bounds_are_a_measure_and_a_time() {
    let bound = |text: &str| text.parse::<Bound>().map(|bound| (bound.measure.name(), bound.most));
    let ms = Duration::from_millis;
    assert_eq!(bound("p99=250ms"), Ok(("p99".to_owned(), ms(250))));
    assert_eq!(bound("p99.9=1s"), Ok(("p99.9".to_owned(), ms(1000))));
    assert_eq!(bound("avg=10"), Ok(("avg".to_owned(), ms(10))));
    assert_eq!(bound("median=10"), Ok(("p50".to_owned(), ms(10))));
    for wrong in ["p99", "p100=1", "p0=1", "q=1", "p99=", "p99>1", "=1", "pNaN=1"] {
        assert!(bound(wrong).is_err(), "{wrong}");
    }
    let average = Average { warn: ms(100), critical: ms(250) };
    assert_eq!("100,250".parse(), Ok(average));
    assert!("100".parse::<Average>().is_err());
}

#[test]
fn places_headers_and_methods_are_what_they_say() {
    assert_eq!(place("rng"), Ok(("rng".to_owned(), None)));
    assert_eq!(place("rng:81"), Ok(("rng".to_owned(), Some(81))));
    assert_eq!(place("[::1]:81"), Ok(("::1".to_owned(), Some(81))));
    assert_eq!(place("::1"), Ok(("::1".to_owned(), None)));
    assert!(place("http://x").is_err() && place("x/y").is_err());
    let (name, value) = header("X-Y:  a: b ").unwrap();
    assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-y", "a: b"));
    assert!(header("no colon").is_err() && header("a b: c").is_err() && header("a: \n").is_ok());
    assert_eq!(method("post"), Ok(Method::POST));
    assert!(method("a b").is_err() && method("connect").is_err());
}

proptest! {
    #[test]
    fn no_text_breaks_a_parser(text in ".{0,20}") {
        let _ = (seconds(&text), milliseconds(&text), place(&text), header(&text), method(&text));
        let _ = (text.parse::<Statuses>(), text.parse::<Bound>(), text.parse::<Average>());
    }
}
