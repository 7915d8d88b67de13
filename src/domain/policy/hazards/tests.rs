//! Every danger against its folder of fixtures and its heading in the documentation.

use super::*;
use crate::domain::edit::{Applied, FileEdit, Format, Steps};
use crate::domain::policy::effect::Effect;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Files before and after; a file that is missing on one side is empty there.
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
    /// The names of the dangers that are found, each as often as it is.
    finds: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn effect(case: &Case) -> Effect {
    let (mut files, mut steps) = (Vec::new(), Vec::new());
    let mut paths: Vec<&String> = case.before.keys().chain(case.after.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let text = |side: &BTreeMap<String, String>| side.get(path).cloned().unwrap_or_default().into_bytes();
        let format = if path.ends_with(".tf") || path.ends_with(".tfvars") { Format::Hcl } else { Format::Yaml };
        steps.push(Steps { file: path.clone(), format, select: None, edits: Vec::new() });
        let (before, after) = (text(&case.before), text(&case.after));
        let touched = if format == Format::Hcl { touched(&before, &after) } else { Vec::new() };
        files.push(FileEdit { path: path.clone(), before, after, touched });
    }
    files.retain(|file| file.before != file.after);
    Effect::of(&Applied { files, steps })
}

/// What an edit of Terraform says it touched: here every attribute that differs, by its block.
fn touched(before: &[u8], after: &[u8]) -> Vec<crate::domain::edit::Touched> {
    let side = |bytes: &[u8]| -> BTreeMap<String, String> {
        let named = |block: super::blocks::Block| {
            block.values.into_iter().map(move |(name, value)| (format!("{}.{name}", block.address), value))
        };
        super::blocks::blocks(std::str::from_utf8(bytes).unwrap()).into_iter().flat_map(named).collect()
    };
    let (mut old, mut found) = (side(before), Vec::new());
    let mut touch = |path: String, before: Option<String>, after: Option<String>| {
        found.push(crate::domain::edit::Touched { document: 0, path, before, after });
    };
    for (path, value) in side(after) {
        let before = old.remove(&path);
        if before.as_ref() != Some(&value) {
            touch(path, before, Some(value));
        }
    }
    old.into_iter().for_each(|(path, value)| touch(path, Some(value), None));
    found
}

#[test]
fn every_danger_has_its_fixtures_and_they_hold() {
    let mut total = 0;
    for danger in &DANGERS {
        let path = root().join("fixtures/hazards").join(danger.name).join("cases.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let cases: Vec<Case> =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is = |case: &&Case| case.finds.iter().any(|name| name == danger.name);
        assert!(cases.iter().any(|case| is(&case)), "{}: no case that is this danger", danger.name);
        assert!(cases.iter().any(|case| !is(&case)), "{}: no case that is not", danger.name);
        for case in &cases {
            let effect = effect(case);
            let mut found: Vec<&str> = effect.hazards.iter().map(|hazard| hazard.name).collect();
            let mut wanted: Vec<&str> = case.finds.iter().map(String::as_str).collect();
            found.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{} / {}: {:?}", danger.name, case.name, effect.hazards);
            let worst = effect.hazards.iter().map(|hazard| hazard.tier).max().unwrap_or(1);
            assert_eq!(effect.tier(false), worst, "{}", case.name);
            total += 1;
        }
    }
    assert!(total >= 60, "{total} cases");
}

#[test]
fn every_danger_has_its_heading_and_every_heading_a_danger() {
    let text = std::fs::read_to_string(root().join("docs/hazards.md")).expect("docs/hazards.md");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let names: Vec<&str> = DANGERS.iter().map(|danger| danger.name).collect();
    assert_eq!(headings, names);
    for danger in &DANGERS {
        let row = format!("| {} | {} | {} |", danger.name, danger.approvals, danger.tier);
        assert!(text.contains(&row), "docs/hazards.md: {row}");
    }
    let mut folders: Vec<String> = std::fs::read_dir(root().join("fixtures/hazards"))
        .expect("fixtures/hazards")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    folders.sort();
    names.sort();
    assert_eq!(folders, names);
}
