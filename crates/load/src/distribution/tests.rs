//! Against sorted values, and through the formats and back.

use proptest::prelude::*;

use super::*;

fn of(values: impl IntoIterator<Item = u64>) -> Distribution {
    let mut distribution = Distribution::default();
    values.into_iter().for_each(|value| distribution.record(Duration::from_nanos(value)));
    distribution
}

proptest! {
    #[test]
    fn percentiles_are_those_of_the_sorted_values(
        mut values in prop::collection::vec(1_u64..5_000_000_000, 1..2_000),
        quantile in 0.0_f64..1.0,
    ) {
        let distribution = of(values.iter().copied());
        let back = Distribution::from_blob(&distribution.blob()).unwrap();
        values.sort_unstable();
        let rank = whole_rank(quantile, values.len());
        let reference = float(values[rank]);
        for told in [distribution.quantile(quantile), back.quantile(quantile)] {
            let told = float(told.unwrap());
            prop_assert!((told - reference).abs() <= reference * 0.001, "{told} {reference}");
        }
    }
}

fn whole_rank(quantile: f64, length: usize) -> usize {
    let rank = (quantile * float(length as u64)).ceil().max(1.0);
    usize::try_from(crate::numbers::whole(rank)).unwrap() - 1
}

#[test]
fn what_is_too_long_counts_as_the_longest_and_is_told() {
    let mut distribution = of([5]);
    distribution.record(Duration::from_hours(3));
    assert_eq!((distribution.count(), distribution.clamped()), (2, 1));
    assert!(distribution.max().unwrap() == nanoseconds(LONGEST));
    let mut sum = of([7]);
    sum.add(&distribution);
    assert_eq!((sum.count(), sum.clamped()), (3, 1));
    sum.clear();
    assert_eq!((sum.count(), sum.clamped(), sum.max()), (0, 0, None));
}

#[test]
fn percentiles_of_few_values_are_withheld() {
    let distribution = of(1..=999);
    assert_eq!(distribution.told(0.99), None);
    assert!(of(1..=1_000).told(0.99).is_some());
    let numbers: Vec<_> = PERCENTILES.iter().map(|(_, quantile)| needed(*quantile)).collect();
    assert_eq!(numbers, [20, 40, 100, 200, 1_000, 10_000, 100_000]);
}

#[test]
fn the_distribution_for_the_plotter_has_its_columns() {
    let text = of((1..=1_000).map(|value| value * 1_000_000)).hgrm();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().contains("Value     Percentile TotalCount 1/(1-Percentile)"));
    let rows: Vec<Vec<f64>> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert!(rows.is_sorted_by(|a, b| a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2]), "{text}");
    let median = rows.iter().find(|row| row[1] >= 0.5).unwrap();
    assert!((median[0] - 500.0).abs() <= 0.5, "{median:?}");
    assert!(text.contains("Total count    =         1000]"), "{text}");
}

#[test]
fn which_of_two_is_longer() {
    let near = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-9;
    assert!(near(longer(&of([1, 2]), &of([1, 2])), 0.5));
    assert!(near(longer(&of([1, 2]), &of([3, 4])), 1.0));
    assert!(near(longer(&of([3, 4]), &of([1, 2])), 0.0));
    assert!(near(longer(&of([1, 3]), &of([2])), 0.5));
    assert_eq!(longer(&of([]), &of([1])), None);
}

#[test]
fn no_histogram_is_refused() {
    for text in ["", "AAAA", "no base64 at all!"] {
        assert!(Distribution::from_blob(text).is_err(), "{text:?}");
    }
}
