//! Every kind against its folder of fixtures and its heading in the documentation.

use super::*;
use crate::domain::change::Change;
use crate::domain::edit::{Files, Refusal, apply};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A verdict on a kind alone, for a target that is whatever is changed.
pub(in crate::domain::policy) fn judged(kind: ActionKind, effect: &Effect) -> Verdict {
    let target = match effect.objects.first() {
        Some(object) => Target { kind: object.kind.clone(), namespace: None, name: object.name.clone() },
        None => Target { kind: "Deployment".into(), namespace: None, name: "web".into() },
    };
    judge(&proposal(kind, target), effect, &Rules::read(b"version: 1\n").expect("rules"))
}

fn proposal(kind: ActionKind, target: Target) -> Proposal {
    let document = serde_json::json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": "SetImage",
        "repository": {"forge": "local", "name": "a/b"}, "target": {"kind": "x", "name": "y"},
        "changes": [{"manifest": {"file": "a.yaml", "set": {"a": 1}}}], "reason": "r",
        "rollback": {"description": "d"}, "proposer": {"id": "agent:x"},
    });
    let mut proposal: Proposal = serde_json::from_value(document).expect("a proposal");
    (proposal.action_kind, proposal.target) = (kind, target);
    proposal
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    files: BTreeMap<String, String>,
    target: Target,
    changes: Vec<Change>,
    /// The code it is refused with; empty where it passes.
    code: String,
}

struct Tree<'a>(&'a BTreeMap<String, String>);

impl Files for Tree<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(path).map(|text| text.clone().into_bytes()))
    }
}

const RUNBOOK: &[u8] =
    b"version: 1\nrunbooks: {scale: {paths: ['a.yaml', 'b.yaml'], kinds: [SetReplicas, SetImage]}}\n";

#[test]
fn tm91_every_kind_has_its_fixtures_and_they_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = Rules::read(RUNBOOK).expect("rules");
    let mut total = 0;
    for kind in ActionKind::ALL {
        assert_eq!(of(kind).kind, kind);
        let path = root.join("fixtures/kinds").join(kind.slug()).join("cases.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let value: serde_json::Value =
            serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let cases: Vec<Case> = serde_json::from_value(value).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(cases.iter().any(|case| case.code.is_empty()), "{kind:?}: no case that passes");
        // What a rollback touches is what was touched before: no value is foreign to it.
        assert!(
            kind == ActionKind::Rollback || cases.iter().any(|case| !case.code.is_empty()),
            "{kind:?}: none refused"
        );
        for case in cases {
            let applied = apply(&Tree(&case.files), &case.changes)
                .unwrap_or_else(|refusal| panic!("{kind:?} / {}: {refusal}", case.name));
            let verdict = judge(&proposal(kind, case.target), &Effect::of(&applied), &rules);
            assert_eq!(verdict.code, case.code, "{kind:?} / {}: {}", case.name, verdict.sentence);
            total += 1;
        }
    }
    assert!(total >= 45, "{total} cases");
}

#[test]
fn every_kind_has_its_heading_and_its_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/kinds.md")).expect("docs/kinds.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: Vec<String> = ActionKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(headings, names);
    for kind in ActionKind::ALL {
        let file = format!("src/domain/policy/kinds/{}.rs", kind.slug().replace('-', "_"));
        assert!(root.join(&file).exists(), "{file}");
        let section = text.split(&format!("## {}\n", kind.name())).nth(1).expect("a section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let narrow = if is_narrow(kind) { "| yes |" } else { "| no |" };
        assert!(section.contains(narrow), "docs/kinds.md: {kind:?} {narrow}");
    }
}

#[test]
fn tm90_a_kind_is_spelled_exactly() {
    let read = |name: &str| serde_json::from_value::<ActionKind>(serde_json::json!(name));
    for kind in ActionKind::ALL {
        assert_eq!(read(&kind.name()).expect("its name"), kind);
        for other in [kind.name().to_lowercase(), kind.name().to_uppercase(), kind.slug(), format!("{} ", kind.name())]
        {
            assert!(read(&other).is_err(), "{other}");
        }
    }
    for other in ["", "DeleteEverything", "SetImag\u{435}", "1"] {
        assert!(read(other).is_err(), "{other}");
    }
}

#[test]
fn narrow_kinds_do_not_cover_what_reaches_further() {
    let leaf = |path: &str| Leaf {
        keys: path.split('/').map(str::to_owned).collect(),
        path: path.into(),
        before: None,
        after: Some("x".into()),
    };
    for (kind, path) in [
        (ActionKind::SetImage, "spec/template/spec/hostNetwork"),
        (ActionKind::SetImage, "dependencies/name=redis/repository"),
        (ActionKind::SetImage, "patches/0/patch/image"),
        (ActionKind::SetReplicas, "images/name=web/newTag"),
        (ActionKind::SetResources, "resources/0"),
        (ActionKind::SetResources, "0/value/limits/memory"),
        (ActionKind::SetResources, "patches/0/patch"),
        (ActionKind::SetEnv, "configMapGenerator/name=app/literals/0"),
        (ActionKind::SetEnv, "configMapGenerator/name=app/env"),
    ] {
        assert!(!fits(of(kind), &leaf(path)), "{kind:?} {path}");
    }
    for (kind, path) in [
        (ActionKind::SetImage, "images/name=web/tagSuffix"),
        (ActionKind::PatchKustomization, "patches/0/patch"),
        (ActionKind::SetReplicas, "replicas/name=web/count"),
    ] {
        assert!(fits(of(kind), &leaf(path)), "{kind:?} {path}");
    }
}
