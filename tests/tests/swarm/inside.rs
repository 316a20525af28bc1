//! `bench scale --from-inside`: measures a stack that publishes nothing, and leaves nothing there.

use std::fs;
use std::path::Path;

use app_tests::lab::{Deploy, PATIENCE};
use app_tests::{Lab, Process, within};
use rustix::process::Signal;

use crate::{SHORT, measured, number, refused};

const NAME: &str = "closed";
const SCALE: [&str; 6] = ["scale", "--from-inside", "--stack", NAME, "--output", "json"];

/// Names of the stack's services that bench made.
async fn one_off(lab: &Lab) -> Vec<String> {
    let filter = "label=dockercoins.bench";
    let words = ["service", "ls", "--format", "{{.Name}}", "--filter", filter];
    lab.docker("m1", &words).await.lines().map(str::to_owned).collect()
}

/// A copy of `stack.yml` in which no service publishes a port.
fn without_ports(folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("stack.yml")).unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (mut kept, mut in_ports) = (String::new(), false);
    for line in text.lines() {
        in_ports = line == "    ports:" || in_ports && indent(line) > 4;
        if !in_ports {
            kept = kept + line + "\n";
        }
    }
    assert!(text.contains("published:") && !kept.contains("published:"), "{kept}");
    let file = folder.join("closed.yml");
    fs::write(&file, kept).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stack_that_publishes_nothing_is_measured_from_inside() {
    let lab = Lab::at_hand();
    let file = without_ports(lab.folder());
    lab.deploy_own(Deploy { name: NAME, variables: &[], words: &["-f", &file] }).await;

    let outside = ["scale", "--stack", NAME, "--settle-timeout", "3s"];
    let ended = lab.measure(&[&outside[..], &SHORT].concat()).await;
    refused(&ended, &["webui"]);

    let words = [&SCALE[..], &["--worker", "2,4", "--duration", "5s", "--warmup", "1s"]].concat();
    let json = measured(&lab.measure(&words).await);
    let steps = json["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 2);
    for step in steps {
        assert_eq!(step["reporting"], step["replicas"]["worker"], "{step}");
        assert!(number(&step["hashes_per_second"]["value"]) > 1.0, "{step}");
        let paths = step["paths"].as_array().expect("ways between nodes");
        for node in lab.nodes() {
            let own = paths.iter().filter(|path| path["from"] == *node);
            assert!(own.map(|path| number(&path["probes"])).sum::<f64>() > 0.0, "{node}: {step}");
        }
    }
    assert_eq!(one_off(&lab).await, Vec::<String>::new());
    interrupted(&lab).await;
    without_an_image(&lab).await;
    lab.remove(NAME).await;
}

async fn interrupted(lab: &Lab) {
    let words = [&SCALE[..], &["--worker", "3", "--duration", "1m"]].concat();
    let scaling = Process::start(&mut lab.bench(&words));
    within(PATIENCE, "both services of bench", async || {
        (one_off(lab).await.len() == 2).then_some(())
    })
    .await;
    within(PATIENCE, "the step", async || (lab.asked(NAME, "worker").await == 3).then_some(()))
        .await;
    scaling.signal(Signal::INT);
    let ended = scaling.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(one_off(lab).await, Vec::<String>::new());
    assert_eq!(lab.asked(NAME, "worker").await, 4, "not put back");
}

async fn without_an_image(lab: &Lab) {
    let words = [&SCALE[..], &["--inside-image", "127.0.0.1:5000/nobody/bench:none"]].concat();
    let ended = lab.measure(&words).await;
    refused(&ended, &["bench does not start inside", "No such image", "make images"]);
    assert_eq!(one_off(lab).await, Vec::<String>::new());
}
