//! The page on the findings of an ideal app: what it says, that it is well formed, that it loads
//! nothing, and that nothing of a run is taken for markup.

use std::collections::BTreeSet;

use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use super::render;
use crate::analyse::tests::{App, replica};
use crate::analyse::{Interval, ReplicaState, StepFindings, Withheld, step};
use crate::report::fixture::{bare, complete, review_of, swept, tried};
use crate::review::Review;

/// An element with its attributes and all text in it.
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<String>,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn parse(page: &str) -> RcDom {
    let mut options = ParseOpts::default();
    options.tokenizer.exact_errors = true;
    options.tree_builder.exact_errors = true;
    let dom = parse_document(RcDom::default(), options).one(page);
    assert_eq!(*dom.errors.borrow(), Vec::<String>::new(), "the page is not well formed");
    dom
}

fn text_of(node: &Handle) -> String {
    match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        // A space between cells, and between pieces that only their looks set apart.
        _ => node.children.borrow().iter().map(|child| text_of(child) + " ").collect(),
    }
}

fn elements(node: &Handle, found: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attribute = |a: &html5ever::Attribute| (a.name.local.to_string(), a.value.to_string());
        let children = node.children.borrow();
        let child = |child: &Handle| match &child.data {
            NodeData::Element { name, .. } => Some(name.local.to_string()),
            _ => None,
        };
        found.push(Element {
            name: name.local.to_string(),
            attributes: attrs.borrow().iter().map(attribute).collect(),
            text: text_of(node),
            children: children.iter().filter_map(child).collect(),
        });
    }
    node.children.borrow().iter().for_each(|child| elements(child, found));
}

fn page(review: &Review) -> Vec<Element> {
    let mut found = Vec::new();
    elements(&parse(&render(review)).document, &mut found);
    found
}

/// Everything that is told, a line for each piece.
fn told(review: &Review) -> String {
    const PIECES: [&str; 11] =
        ["h1", "h2", "h3", "p", "li", "caption", "tr", "figcaption", "summary", "div", "text"];
    let is_piece = |e: &&Element| {
        PIECES.contains(&&*e.name)
            && !e.children.iter().any(|child| ["table", "dl", "p", "div", "h2"].contains(&&**child))
    };
    let page = page(review);
    let words = |e: &Element| e.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told: String =
        page.iter().filter(is_piece).map(|e| format!("{}: {}\n", e.name, words(e))).collect();
    told.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// Reviews of many kinds, each as a page.
fn many() -> Vec<Review> {
    let mut doubtful = review_of(&[(3, 1)]);
    let step = &mut doubtful.findings.steps[0];
    bare(step);
    step.bottleneck = None;
    step.withheld = Some(Withheld { reason: "the window is too short".to_owned() });
    (step.stages, step.bounds, step.loop_ms, step.closure) = (Vec::new(), None, None, None);
    doubtful.readings[0].by_second.naive.clear();
    let mut predicted = complete();
    predicted.findings.verification = None;
    predicted.findings.steps.pop();
    let mut unverified = review_of(&[(3, 2)]);
    unverified.findings.unverified = Some("nothing brings more".to_owned());
    let grid = [(1, 1), (4, 1), (1, 2), (4, 2), (2, 3)];
    let mut reset = review_of(&[(0, 1)]);
    reset.run.run.stop_reason = "interrupted".to_owned();
    let policies = swept(&[Some("round-robin"), Some("random")]);
    let mut complete = complete();
    tried(&mut complete.findings);
    vec![complete, doubtful, predicted, unverified, review_of(&grid), reset, policies]
}

#[test]
fn the_page_tells_all_of_a_verified_run() {
    insta::assert_snapshot!(told(&complete()));
}

#[test]
fn several_steps_are_summed_up_first() {
    let told = told(&review_of(&[(2, 1), (5, 1), (2, 2), (5, 2)]));
    let until = told.find("summary: ").unwrap();
    insta::assert_snapshot!(&told[..until]);
    assert_eq!(told.matches("\nsummary: Step ").count(), 4);
}

#[test]
fn a_step_without_a_verdict_is_not_the_best() {
    let mut review = review_of(&[(2, 1), (5, 2), (5, 1)]);
    let withhold = |step: &mut StepFindings| {
        step.bottleneck = None;
        step.withheld = Some(Withheld { reason: "a worker hangs".to_owned() });
    };
    withhold(&mut review.findings.steps[1]);
    let some = told(&review);
    assert!(
        some.contains("h1: 10.00 hashes/s is the most of 3 steps: with 5 workers, 1 rng"),
        "{some}"
    );
    assert!(some.contains("p: 1 of 3 steps has no verdict."), "{some}");
    review.findings.steps.iter_mut().for_each(withhold);
    let none = told(&review);
    assert!(none.contains("h1: 3 of 3 steps have no verdict."), "{none}");
    assert!(!none.contains("is the most"), "{none}");
}

#[test]
fn of_a_sweep_the_whole_grid_is_shown() {
    let review = swept(&[None]);
    let (told, text) = (told(&review), render(&review));
    let sweep = &review.sweep.as_ref().unwrap().sweeps[0];
    assert!(
        told.contains("h1: The most of this grid is 33.33 hashes/s, predicted. Measure"),
        "{told}"
    );
    let predicted = sweep.cells.iter().filter(|cell| cell.measured.is_none()).count();
    assert!(predicted > 0);
    assert_eq!(text.matches("predicted\">").count(), predicted, "{text}");
    assert_eq!(text.matches("\u{25c6} ").count(), sweep.ridge.len() + 1, "each, and what it means");
    assert_eq!(text.matches("<table class=\"map\">").count(), 1);
    let map = told.lines().filter(|line| line.starts_with("tr: ") && line.contains('(')).take(3);
    insta::assert_snapshot!(map.collect::<Vec<_>>().join("\n"));
}

#[test]
fn each_policy_has_its_map() {
    let maps = |review: &Review| render(review).matches("<table class=\"map\">").count();
    let mut review = swept(&[Some("round-robin"), Some("random")]);
    let told = told(&review);
    assert_eq!(maps(&review), 2);
    for words in ["across), policy random;", "across), policy round-robin;"] {
        assert!(told.contains(words), "{told}");
    }
    // As steps of their own, too: a cell is not that of whichever policy came last.
    review.sweep = None;
    assert_eq!(maps(&review), 2);
    assert_eq!(maps(&review_of(&[(2, 1), (5, 1), (2, 2), (5, 2)])), 1);
}

#[test]
fn one_sentence_is_the_headline_and_no_cause_is_told_twice() {
    let slow = || Some(replica(1, 0.2));
    let app = App::new(10, 5).stage(0, |rng| rng.with_exception(3, slow()).unwrap());
    let mut review = review_of(&[(10, 5)]);
    review.findings.steps[0] = step(&app.samples());
    let found = &review.findings.steps[0];
    let (cause, verdict) = (found.causes[0].sentence.clone(), found.bottleneck.clone().unwrap());
    assert!(verdict.sentence.starts_with(&format!("{cause}. ")), "{verdict:?}");
    let page = page(&review);
    let large = page.iter().find(|element| element.name == "strong").unwrap();
    assert_eq!(large.text.trim(), format!("{cause}."));
    let again = page.iter().filter(|e| e.name == "li" && e.text.trim() == cause).count();
    assert_eq!(again, 0, "the headline's cause is not what else is wrong");
    let first = &found.actions[0];
    assert_eq!(first.replicas, None, "a restart comes first: {first:?}");
    let told = told(&review);
    let bar = "figcaption: predicted: rng 5 to 6";
    assert!(told.contains(bar), "the bar says what it is of: {told}");
}

#[test]
fn zero_has_no_sign_and_what_costs_nothing_no_price() {
    let mut review = complete();
    tried(&mut review.findings);
    let step = &mut review.findings.steps[0];
    step.elasticities.as_mut().unwrap().hasher = -0.001;
    let none = Interval { value: 0.0, low: 0.0, high: 0.0 };
    for service in &mut review.findings.steps[1].services {
        let balancing = service.balancing.as_mut().unwrap();
        balancing.cost_hashes_per_second = Some(none);
    }
    let told = told(&review);
    assert!(!told.contains("-0.00") && !told.contains("it costs 0.00"), "{told}");
    assert!(told.contains("tr: hasher 0.1 ms 10.00 10.00 0.00 ± 0.01 0.00"), "{told}");
}

#[test]
fn what_was_not_found_has_no_section() {
    let headings = |review: &Review| -> Vec<String> {
        let page = page(review).into_iter();
        page.filter(|element| element.name == "h2")
            .map(|element| element.text.trim().to_owned())
            .collect()
    };
    let many = many();
    assert_eq!(headings(&many[1]), ["How it was measured"]);
    let mut plain = review_of(&[(10, 1)]);
    bare(&mut plain.findings.steps[0]);
    let plain = headings(&plain);
    assert_eq!(
        plain,
        [
            "Where the workers are",
            "The evidence",
            "What it could reach at most",
            "What to do next",
            "How it was measured",
            "For the classroom: the counter, read once a second",
        ]
    );
    assert!(headings(&many[2]).contains(&"Predicted, and not measured".to_owned()));
    assert!(headings(&many[3]).contains(&"The prediction was not verified".to_owned()));
}

#[test]
fn pages_load_nothing_and_run_nothing() {
    for review in many() {
        let text = render(&review);
        assert!(!text.contains("@import") && !text.contains("javascript:"));
        let links = text.matches("url(").count();
        assert_eq!(links, text.matches("url(#").count(), "only patterns of the page itself");
        let page = page(&review);
        let ids: Vec<&str> = page.iter().filter_map(|element| element.attribute("id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "ids are unique");
        for element in &page {
            let name = &element.name;
            assert!(!["script", "link", "img", "iframe", "object", "base"].contains(&&**name));
            for (key, value) in &element.attributes {
                assert!(!key.starts_with("on") && key != "src" && key != "style", "{name} {key}");
                let target = value.strip_prefix('#').filter(|_| key == "href");
                assert!(key != "href" || target.is_some_and(|id| ids.contains(&id)), "{value}");
            }
        }
    }
}

#[test]
fn charts_and_tables_say_what_they_show() {
    let mut charts = 0;
    for element in many().iter().flat_map(page) {
        match element.name.as_str() {
            "svg" if element.attribute("role") == Some("img") => {
                charts += 1;
                assert_eq!(element.children.first().map(String::as_str), Some("title"));
                assert!(element.attribute("aria-label").is_some_and(|label| label.len() > 20));
            }
            "table" => assert_eq!(element.children[0], "caption", "{}", element.text),
            "th" => assert!(element.attribute("scope").is_some(), "{}", element.text),
            _ => {}
        }
        let bad = |value: &str| value.contains("NaN") || value.contains("inf%");
        assert!(
            !element.attributes.iter().any(|(_, value)| bad(value)),
            "{:?}",
            element.attributes
        );
    }
    assert!(charts > 20, "{charts} charts");
}

#[test]
fn nothing_of_a_run_is_taken_for_markup() {
    let hostile = "</title></style><script>alert(1)</script><img src=x onerror=\"x\" '&\u{7}";
    let mut review = complete();
    let words = || hostile.to_owned();
    let run = &mut review.run.run;
    (run.cluster, run.host.name, run.stop_reason) = (words(), words(), words());
    run.command.push(words());
    review.run.more.insert(words(), serde_json::json!({ hostile: hostile }));
    let step = &mut review.findings.steps[0];
    step.bottleneck.as_mut().unwrap().sentence = words();
    (step.warnings, step.unseen) = (vec![words()], vec![words()]);
    step.errors.insert(words(), 1);
    step.policies.insert(words(), 1);
    step.actions[0].action = words();
    step.walls[0].sentence = words();
    step.certainty.as_mut().unwrap().votes[0].sentence = words();
    let rng = &mut step.services[0];
    rng.concurrency.sentence = words();
    let replica = *rng.replicas.values().next().unwrap();
    rng.replicas.insert(words(), replica);
    review.findings.verification.as_mut().unwrap().sentence = words();
    let page = page(&review);
    assert!(!page.iter().any(|element| ["script", "img"].contains(&&*element.name)));
    let told = page.iter().filter(|e| e.children.is_empty() && e.text.contains("alert(1)"));
    assert!(told.count() > 10, "the words themselves are there");
}

#[test]
fn of_many_replicas_the_peculiar_ones_are_listed() {
    let mut review = complete();
    let rng = &mut review.findings.steps[0].services[0];
    let one = *rng.replicas.values().next().unwrap();
    rng.replicas = (0..100).map(|n| (format!("rng.{n:03}"), one)).collect();
    rng.replicas.get_mut("rng.099").unwrap().state = ReplicaState::Straggler;
    let told = told(&review);
    assert!(told.contains("tr: rng.099") && told.contains("p: and 76 more"), "{told}");
}
