//! `policy test`: the worked examples, and a case that is not as expected.

use crate::folders::put;
use crate::run::{countersign, text};
use std::path::Path;

#[test]
fn the_worked_examples_say_what_their_cases_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policies");
    for (name, cases) in [("databases", 4), ("registry", 5)] {
        let policy = text(folder.join(format!("{name}.rego")));
        let listed = text(folder.join(format!("{name}.cases.yaml")));
        let ran = countersign(["policy", "test", &policy, "--cases", &listed, "--output", "json"]).json();
        assert_eq!(ran["good"], true, "{name}: {ran}");
        assert_eq!(ran["cases"].as_array().unwrap().len(), cases, "{name}");
        countersign(["policy", "test", &policy, "--cases", &listed]).code(0);
    }
}

#[test]
fn a_case_that_is_not_as_expected_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let policy = text(put(folder.path(), "p.rego", "package countersign\ndeny := true\n"));
    let cases = text(put(folder.path(), "c.yaml", "- name: one\n- name: two\n  deny: [denied]\n"));
    let ran = countersign(["policy", "test", &policy, "--cases", &cases]).code(3).out;
    assert!(ran.contains("bad  one") && ran.contains("good two"), "{ran}");
}
