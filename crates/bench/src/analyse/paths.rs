//! How long the ways between nodes take, so that a slow node or link stands out.

use std::collections::BTreeMap;

use load::numbers::{float, median};
use serde::{Deserialize, Serialize};

use crate::measure::{PathSample, Samples};

/// A node whose ways take so many times as long as those of the others stands out,
const STANDS_OUT: f64 = 3.0;
/// if the difference is no trifle either.
const TRIFLE_MS: f64 = 1.0;

/// The way from one place to another, over all probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PathFindings {
    /// Where from: a node, or `bench` for bench itself.
    pub from: String,
    /// The node.
    pub to: String,
    /// Probes made.
    pub probes: u64,
    /// Probes without an answer.
    pub failed: u64,
    /// Median time to connect.
    pub connect_p50_ms: Option<f64>,
    /// Median time of a new connection and its answer.
    pub answer_p50_ms: Option<f64>,
    /// Longest such time.
    pub answer_max_ms: Option<f64>,
}

/// Every way that was probed, in order.
pub(super) fn paths(samples: &Samples) -> Vec<PathFindings> {
    let mut ways: BTreeMap<(String, String), Vec<&PathSample>> = BTreeMap::new();
    for sample in &samples.paths {
        if let Some(to) = node(sample, samples) {
            ways.entry((sample.from.clone(), to)).or_default().push(sample);
        }
    }
    ways.into_iter().map(|((from, to), probes)| findings(from, to, &probes)).collect()
}

/// Nodes that stand out, and ways on which probes failed.
pub(super) fn doubts(paths: &[PathFindings]) -> Vec<String> {
    let mut doubts = Vec::new();
    for path in paths.iter().filter(|path| path.failed > 0) {
        let PathFindings { from, to, probes, failed, .. } = path;
        doubts.push(format!("{failed} of {probes} probes from {from} to {to} failed"));
    }
    let mut nodes: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for path in paths {
        nodes.entry(&path.to).or_default().extend(path.answer_p50_ms);
    }
    for (node, own) in &nodes {
        let others = nodes.iter().filter(|(other, _)| *other != node);
        let mut others: Vec<f64> = others.flat_map(|(_, times)| times.clone()).collect();
        let (Some(own), Some(others)) = (median(&mut own.clone()), median(&mut others)) else {
            continue;
        };
        if own > STANDS_OUT * others && own > others + TRIFLE_MS {
            doubts.push(format!(
                "{node} answers in {own:.1} ms, the other nodes in {others:.1} ms: it or the way to \
                 it is slow"
            ));
        }
    }
    doubts
}

/// The node a probe went to: known beforehand, or the one where the replica is.
fn node(sample: &PathSample, samples: &Samples) -> Option<String> {
    let label = || samples.labels.get(sample.replica.as_ref()?);
    let of_replica = || label()?.rsplit_once('@').map(|(_, node)| node.to_owned());
    sample.to.clone().or_else(of_replica)
}

fn findings(from: String, to: String, probes: &[&PathSample]) -> PathFindings {
    let times = |of: fn(&PathSample) -> Option<u64>| -> Vec<f64> {
        probes.iter().filter_map(|probe| of(probe)).map(|us| float(us) / 1000.0).collect()
    };
    let mut answers = times(|probe| probe.answer_us);
    PathFindings {
        from,
        to,
        probes: probes.len() as u64,
        failed: (probes.len() - answers.len()) as u64,
        connect_p50_ms: median(&mut times(|probe| probe.connect_us)),
        answer_p50_ms: median(&mut answers),
        answer_max_ms: answers.iter().copied().reduce(f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ideal;
    use super::*;
    use crate::cluster::Service;

    fn probed(times: &[(&str, Option<u64>)]) -> Vec<PathFindings> {
        let mut samples = ideal(1, 1);
        samples.labels.insert("c1".to_owned(), "rng.1@m1".to_owned());
        samples.labels.insert("c2".to_owned(), "rng.2@m2".to_owned());
        samples.paths = times
            .iter()
            .map(|(replica, time)| PathSample {
                from: "m1".to_owned(),
                service: Service::Rng,
                replica: Some((*replica).to_owned()),
                to: None,
                connect_us: Some(100),
                answer_us: *time,
            })
            .collect();
        paths(&samples)
    }

    #[test]
    fn ways_are_told_apart_by_the_nodes_of_the_replicas() {
        let ways = probed(&[("c1", Some(250)), ("c1", Some(750)), ("c2", Some(500)), ("?", None)]);
        assert_eq!(ways.len(), 2);
        assert_eq!((ways[0].to.as_str(), ways[0].answer_p50_ms), ("m1", Some(0.5)));
        assert_eq!((ways[1].to.as_str(), ways[1].connect_p50_ms), ("m2", Some(0.1)));
        assert!(doubts(&ways).is_empty());
    }

    #[test]
    fn a_slow_node_and_failed_probes_are_said() {
        let ways = probed(&[("c1", Some(200)), ("c2", Some(9000)), ("c1", None)]);
        let doubts = doubts(&ways);
        assert_eq!(doubts.len(), 2, "{doubts:?}");
        assert!(doubts[0].contains("1 of 2 probes from m1 to m1"), "{doubts:?}");
        assert!(
            doubts[1].contains("m2 answers in 9.0 ms, the other nodes in 0.2 ms"),
            "{doubts:?}"
        );
    }
}
