//! Where a report's numbers come from, as names and values: how a step was measured, and what the
//! run was. Shared by the page and Markdown.

use super::{evidence, words};
use crate::analyse::{StepFindings, StopFindings, WarmUpFindings};
use crate::record::Run;
use crate::review::Review;
use crate::shell::quoted;

/// A name and what is said under it.
pub(super) type Line = (String, String);

fn line(name: &str, value: impl Into<String>) -> Line {
    (name.to_owned(), value.into())
}

/// How a step was measured, and how far its numbers may be off.
pub(super) fn step(step: &StepFindings) -> Vec<Line> {
    let rate = step.hashes_per_second;
    let counter = step.counter_hashes_per_second;
    let statistical = rate.statistical.map_or_else(
        || "too few samples for a statistical error".to_owned(),
        |half| format!("{} statistical (95 %)", words::plus_minus(half)),
    );
    let mut lines = vec![
        line("interval", format!("{statistical}, {} flush", words::plus_minus(rate.flush))),
        line(
            "by the counter alone",
            format!(
                "{:.2} hashes/s {} flush error",
                counter.interval.value,
                words::plus_minus(counter.flush)
            ),
        ),
    ];
    lines.extend(step.closure.map(|closure| {
        let workers = format!("{:.1} % of {}", closure * 100.0, evidence::workers(step));
        line("closure", workers)
    }));
    let settled = words::seconds(step.settled_after_ms);
    let phases = words::phases(step).map_or_else(String::new, |phases| format!(": {phases}"));
    lines.push(line("settled", format!("in {settled}{phases}")));
    lines.extend(step.warm_up.as_ref().map(|cut| line("warm-up", warm_up(cut))));
    lines.push(line("window", words::seconds(step.window_ms)));
    lines.extend(step.stopped.as_ref().map(|stop| line("stopped", stopped(stop))));
    let policies: Vec<String> =
        step.policies.iter().map(|(policy, count)| format!("{policy} ({count})")).collect();
    if !policies.is_empty() {
        lines.push(line("workers' policy", policies.join(", ")));
    }
    lines
}

fn warm_up(cut: &WarmUpFindings) -> String {
    let course = match cut.course.as_str() {
        "flat" => "the window is flat",
        "warm_up" => "the window was slower at first: the cut came too early",
        "slow_down" => "the window was faster before: something fills up or leaks",
        "no_steady_state" => "the window has no steady state",
        other => other,
    };
    format!("{:.1} s cut off, {}; {course}", cut.seconds, cut.rule)
}

fn stopped(stop: &StopFindings) -> String {
    let percent = |name: &str, share: Option<f64>| {
        share.map(|share| format!("{name} ± {:.2} %", share * 100.0))
    };
    let precision = [percent("asked", stop.precision), percent("reached", stop.reached)];
    let precision: Vec<String> = precision.into_iter().flatten().collect();
    match precision.is_empty() {
        true => stop.reason.clone(),
        false => format!("{} ({})", stop.reason, precision.join(", ")),
    }
}

/// What the run was: all of `run.json` but its command line.
pub(super) fn run(review: &Review) -> Vec<Line> {
    let Run { bench_version, cluster, began, host, stop_reason, images, seed, went_on, .. } =
        &review.run.run;
    let mut lines = vec![
        line("clocks", "those of webui and of the workers; bench's own measures nothing"),
        line("cluster", cluster),
        line("began", moment(began)),
        line("ended", stop_reason),
        line("host", format!("{}, {}, {} processors", host.name, host.system, host.processors)),
        line(
            "bench",
            format!("{bench_version} measured, {} analysed and told it", env!("CARGO_PKG_VERSION")),
        ),
    ];
    lines.extend(images.iter().map(|(service, image)| line(&format!("image of {service}"), image)));
    lines.extend(seed.map(|seed| line("seed", seed.to_string())));
    lines.extend(went_on.iter().map(|later| {
        let (at, command) = (moment(&later.at), command(&later.command));
        line("went on", format!("{at}, after {} cells: {command}", later.after))
    }));
    lines.extend(review.prediction.as_ref().map(|dated| {
        let from = dated.prediction.sentence();
        line("prediction", format!("{from}, written down at {}", moment(&dated.made)))
    }));
    lines.extend(
        review.run.more.iter().map(|(name, value)| line(&name.replace('_', " "), plain(value))),
    );
    lines
}

/// A time as people write it, from RFC 3339; what is none stays as it is.
pub(super) fn moment(text: &str) -> String {
    text.parse::<jiff::Timestamp>()
        .map_or_else(|_| text.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A value that another version of bench wrote, as text.
fn plain(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{name}: {}", plain(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A command line that a shell takes as it was meant, with the program by its name alone, and without
/// the user names and passwords of URLs.
pub(super) fn command(words: &[String]) -> String {
    let mut words = words.iter();
    let program = words.next().map_or("bench", |path| path.rsplit('/').next().unwrap_or(path));
    let all = std::iter::once(program).chain(words.map(String::as_str));
    // A run of an older version may still hold a login.
    all.map(|word| quoted(&redacted::argument(word))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::WentOn;

    #[test]
    fn a_command_can_be_typed_again() {
        let words = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>();
        let told = |typed: &[&str]| command(&words(typed));
        assert_eq!(told(&["/a/b/bench", "scale", "--worker", "1,2"]), "bench scale --worker 1,2");
        assert_eq!(told(&["bench", "a b", "it's", "", "$(x)"]), r"bench 'a b' 'it'\''s' '' '$(x)'");
        assert_eq!(told(&[]), "bench");
        for password in ["geheim", "ge'heim", "ge heim"] {
            let address = format!("redis://ada:{password}@h");
            let old = ["bench", "scale", "--redis", &address];
            assert_eq!(told(&old), "bench scale --redis 'redis://***@h'");
        }
    }

    #[test]
    fn a_moment_is_told_to_the_second() {
        assert_eq!(moment("2026-11-22T07:56:30.518364041Z"), "2026-11-22 07:56:30 UTC");
        assert_eq!(moment("yesterday"), "yesterday");
    }

    #[test]
    fn a_simulated_sweep_tells_its_seed_and_each_command_that_went_on_with_it() {
        let mut review = crate::report::fixture::review_of(&[(2, 1)]);
        let told = |review: &Review, name: &str| {
            let lines = run(review);
            lines.into_iter().find(|(of, _)| of == name).map(|(_, value)| value)
        };
        assert_eq!((told(&review, "seed"), told(&review, "went on")), (None, None));
        review.run.run.seed = Some(7);
        review.run.run.went_on = vec![WentOn {
            at: "2026-11-22T07:17:32Z".to_owned(),
            command: vec!["/a/bench".to_owned(), "sweep".to_owned()],
            after: 3,
        }];
        assert_eq!(told(&review, "seed").as_deref(), Some("7"));
        let later = "2026-11-22 07:17:32 UTC, after 3 cells: bench sweep";
        assert_eq!(told(&review, "went on").as_deref(), Some(later));
    }

    #[test]
    fn what_others_wrote_is_told_flat() {
        let value = serde_json::json!({ "rng": ["a", 1], "moon": null });
        assert_eq!(plain(&value), "moon: null, rng: a, 1");
    }
}
