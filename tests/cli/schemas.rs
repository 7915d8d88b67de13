//! The published schemas are the ones that the command prints.

use crate::folders::put;
use crate::run::{countersign, text};
use std::path::Path;

/// `COUNTERSIGN_BLESS=1 cargo test --test cli schemas` writes them anew.
#[test]
fn published_schemas_are_the_printed_ones() {
    for name in ["proposal", "config"] {
        let printed = countersign(["schema", name]).code(0).out;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{name}.json"));
        if std::env::var_os("COUNTERSIGN_BLESS").is_some() {
            std::fs::write(&path, &printed).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(kept == printed, "schema/{name}.json is old: COUNTERSIGN_BLESS=1 cargo test --test cli schemas");
    }
}

#[test]
fn a_config_is_compared_and_put_under_the_organisations_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let rules = |name: &str, mode: &str, lines: u64| {
        let text_ = format!(
            "version: 1\nenvironments: {{staging: {{paths: [\"s/**\"], mode: {mode}}}}}\nautoMerge: {{actionKinds: [SetImage]}}\nlimits: {{lines: {lines}}}\n"
        );
        text(put(folder.path(), name, text_))
    };
    let (old, new) = (rules("old.yaml", "propose", 50), rules("new.yaml", "automate", 40));
    let told = countersign(["config", "check", &new, "--against", &old]).code(0).out;
    assert!(told.contains("1 looser, 1 tighter, 0 other"), "{told}");
    assert!(
        told.contains("looser  staging: SetImage") && told.contains("tighter limits.lines: 40, before 50"),
        "{told}"
    );
    let found = countersign(["config", "check", &new, "--against", &old, "--output", "json"]).code(0).json();
    assert_eq!(found["consequences"][0]["way"], "looser");
    let settings =
        "instance = \"x\"\n[[tenant]]\nid = \"acme\"\n[tenant.defaults]\nmode = \"propose\"\nlimits = {lines = 10}\n";
    let settings = text(put(folder.path(), "settings.toml", settings));
    let under = ["--config", &settings, "config", "check", &new, "--tenant", "acme"];
    let told = countersign(under).code(0).out;
    assert!(told.contains("limits.lines: 10 and not 40") && told.contains("environments.staging.mode"), "{told}");
    let bad = "instance = \"x\"\n[[tenant]]\nid = \"acme\"\n[tenant.defaults]\nenvironments = {}\n";
    let bad = text(put(folder.path(), "bad.toml", bad));
    countersign(["config", "check", &bad]).code(3);
}
