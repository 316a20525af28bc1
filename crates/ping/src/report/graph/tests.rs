//! Pictures, in terminals of several sizes.

use insta::assert_snapshot;
use ratatui::backend::TestBackend;

use super::*;
use crate::prober::Probe;
use crate::report::fixtures::{answered, plan, refused, with};
use crate::statistics::fault;

/// The picture after these probes, half a second apart, and how the graph stands then.
fn shown(words: &str, size: (u16, u16), probes: &[Probe], last: Option<Glance>) -> String {
    let plan = plan(&format!("-K {words} 127.0.0.1:18080/32"));
    let terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let mut graph = Graph::new(&plan, terminal, None, &mut out, &mut notes);
    let mut statistics = Statistics::default();
    graph.begin().unwrap();
    let mut elapsed = Duration::ZERO;
    for probe in probes {
        statistics.add(probe, &plan.ok);
        let so_far = SoFar { statistics: &statistics, elapsed };
        graph.probe(&Told { probe, fault: fault(probe, &plan.ok), so_far }).unwrap();
        elapsed += Duration::from_millis(500);
    }
    let so_far = SoFar { statistics: &statistics, elapsed };
    graph.look(last.unwrap_or(Glance::Redraw), &so_far).unwrap();
    graph.terminal.as_ref().unwrap().backend().to_string()
}

fn many() -> Vec<Probe> {
    let mut probes: Vec<_> = (0..60).map(|n| answered(n, 1_000 + n * 20)).collect();
    probes[20] = refused(20);
    probes[40] = answered(40, 9_000);
    probes[50] = with(answered(50, 800), |reply| reply.answer.status = 503);
    probes
}

#[test]
fn probes_are_bars_and_slow_ones_stand_out() {
    assert_snapshot!(shown("-G", (80, 20), &many(), None));
}

#[test]
fn an_axis_can_be_limited() {
    assert_snapshot!(shown("-G --graph-limit 4 --slow-log 5", (60, 14), &many(), None));
}

#[test]
fn before_the_first_probe_there_is_a_frame() {
    assert_snapshot!(shown("-Q -f", (60, 10), &[], None));
}

#[test]
fn a_small_terminal_shows_what_it_can() {
    for width in [1, 5, 9, 12, 30] {
        for height in [1, 2, 4, 8] {
            let picture = shown("", (width, height), &many(), None);
            assert_eq!(picture.lines().count(), usize::from(height), "{width} x {height}");
        }
    }
}

#[test]
fn halted_it_says_so() {
    let picture = shown("", (60, 10), &many()[..5], Some(Glance::Halt));
    assert!(picture.contains("halted: h goes on"), "{picture}");
}

#[test]
fn the_summary_follows_when_it_is_over() {
    let plan = plan("-K -G 127.0.0.1:18080");
    let terminal = Terminal::new(TestBackend::new(40, 10)).unwrap();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let mut graph = Graph::new(&plan, terminal, None, &mut out, &mut notes);
    let ending = Ending {
        statistics: Statistics::default(),
        elapsed: Duration::from_secs(1),
        missed: Vec::new(),
        given_up: None,
        last_trouble: None,
    };
    graph.end(&ending).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("0 connects, 0 ok, 0.00% failed, time 1000ms"), "{text}");
}
