//! Every folder of `fixtures/edit`: the changes, the files before, and the files after or the refusal.
//!
//! A case is `changes.yaml` (the `changes` list of a proposal), `before/`, and either `after/` (files that stay as they
//! are may be left out) or `refusal.yaml` with `code` and, where they matter, `file`, `path`, `document` and
//! `reason_contains`.

use countersign::domain::canon;
use countersign::domain::change::Change;
use countersign::domain::edit::{Applied, Code, Files, Inverse, Refusal, apply};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The fewest cases of each engine.
const FLOORS: [(&str, usize); 4] = [("helm", 30), ("kustomize", 50), ("manifest", 70), ("terraform", 45)];

/// The codes that need a git repository, or that only a fault of the editor gives.
const ELSEWHERE: [&str; 2] = ["link", "proof_failed"];

/// The files of a folder, by their path below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree(pub BTreeMap<String, Vec<u8>>);

impl Files for Tree {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, directory: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let found: Vec<String> = self.0.keys().filter(|path| path.starts_with(&prefix)).cloned().collect();
        let too_many = || Refusal::of(Code::TooLarge, format!("more than {limit} files")).in_file(directory);
        if found.len() <= limit { Ok(found) } else { Err(too_many()) }
    }
}

impl Tree {
    /// Reads a folder; none if it is not there.
    fn of(folder: &Path) -> Option<Tree> {
        let mut found = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(&next).ok()? {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        Some(Tree(found))
    }

    /// The same files with some of them replaced.
    fn with(&self, files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Tree {
        let mut next = self.clone();
        next.0.extend(files);
        next
    }
}

/// What a case that is not to be edited says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    code: String,
    file: Option<String>,
    path: Option<String>,
    document: Option<usize>,
    reason_contains: Option<String>,
}

/// One folder of `fixtures/edit`.
struct Case {
    name: String,
    folder: PathBuf,
    changes: Vec<Change>,
    /// The list as it is written.
    words: serde_json::Value,
    before: Tree,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/edit");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.into_iter().map(Case::open).collect()
}

impl Case {
    fn open(folder: PathBuf) -> Case {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(folder.join("changes.yaml")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let words = canon::parse(&bytes).unwrap_or_else(|error| panic!("{name}/changes.yaml: {error}"));
        let changes = canon::typed(words.clone()).unwrap_or_else(|error| panic!("{name}/changes.yaml: {error}"));
        let before = Tree::of(&folder.join("before")).unwrap_or_else(|| panic!("{name} has no folder `before`"));
        Case { name, folder, changes, words, before }
    }

    fn engines(&self) -> BTreeSet<String> {
        let engines = self.words.as_array().into_iter().flatten().filter_map(serde_json::Value::as_object);
        engines.flat_map(|change| change.keys().cloned()).collect()
    }

    /// What is wrong with the case; the code it was refused with, if that was wanted.
    fn run(&self) -> Result<Option<Code>, String> {
        let done = apply(&self.before, &self.changes);
        let after = Tree::of(&self.folder.join("after"));
        let refusal = std::fs::read(self.folder.join("refusal.yaml")).ok();
        match (done, after, refusal) {
            (Ok(applied), Some(after), None) => self.edited(&applied, &after).map(|()| None),
            (Err(refusal), None, Some(wanted)) => refused(&refusal, &wanted).map(|()| Some(refusal.code)),
            (Err(refusal), Some(_), None) => Err(format!("was refused: {refusal}")),
            (Ok(applied), None, Some(_)) => Err(format!("was not refused:\n{}", applied.unified_diff())),
            (_, _, _) => Err("needs either `after` or `refusal.yaml`".to_owned()),
        }
    }

    fn edited(&self, applied: &Applied, after: &Tree) -> Result<(), String> {
        let files = |edits: &Applied| edits.files.iter().map(|f| (f.path.clone(), f.after.clone())).collect::<Vec<_>>();
        let (got, wanted) = (self.before.with(files(applied)), self.before.with(after.0.clone()));
        for path in got.0.keys().chain(wanted.0.keys()) {
            same(path, wanted.0.get(path), got.0.get(path))?;
        }
        self.restored(applied)?;
        let again = match apply(&got, &self.changes) {
            Ok(again) => again,
            Err(refusal) if matches!(refusal.code, Code::Exists | Code::NotFound) => return Ok(()),
            Err(refusal) => return Err(format!("the second time was refused: {refusal}")),
        };
        if again.files.is_empty() || repeats(&self.words) {
            return Ok(());
        }
        Err(format!("the second time changes more:\n{}", again.unified_diff()))
    }

    /// Whether the inverse gives the old bytes back.
    fn restored(&self, applied: &Applied) -> Result<(), String> {
        let inverse = Inverse::of(&applied.files);
        for (edit, back) in applied.files.iter().zip(&inverse.files) {
            if back.restore(&edit.after).as_deref() != Some(edit.before.as_slice()) {
                return Err(format!("the inverse of {} does not restore it", edit.path));
            }
        }
        Ok(())
    }
}

fn same(path: &str, wanted: Option<&Vec<u8>>, got: Option<&Vec<u8>>) -> Result<(), String> {
    if wanted == got {
        return Ok(());
    }
    let text = |bytes: Option<&Vec<u8>>| bytes.map_or("(no file)".into(), |b| String::from_utf8_lossy(b).into_owned());
    let (wanted, got) = (text(wanted), text(got));
    let diff = similar::TextDiff::from_lines(&wanted, &got);
    Err(format!("{path} differs:\n{}", diff.unified_diff().header("wanted", "got")))
}

/// Whether the words ask for something that is done anew each time: one more element, or one more nested block.
fn repeats(words: &serde_json::Value) -> bool {
    match words {
        serde_json::Value::Array(list) => list.iter().any(repeats),
        serde_json::Value::Object(map) => {
            let one_more =
                map.get("op").is_some_and(|op| op == "append") || map.get("as").is_some_and(|form| form == "block");
            one_more || map.contains_key("jsonPatch") || map.values().any(repeats)
        }
        _ => false,
    }
}

fn refused(refusal: &Refusal, wanted: &[u8]) -> Result<(), String> {
    let wanted: Wanted = serde_yaml::from_slice(wanted).map_err(|error| format!("refusal.yaml: {error}"))?;
    let fits = refusal.code.to_string() == wanted.code
        && wanted.file.as_ref().is_none_or(|file| *file == refusal.file)
        && wanted.path.as_ref().is_none_or(|path| *path == refusal.path)
        && wanted.document.is_none_or(|document| Some(document) == refusal.document)
        && wanted.reason_contains.as_ref().is_none_or(|part| refusal.reason.contains(part));
    if fits { Ok(()) } else { Err(format!("wanted {wanted:?}, got {refusal:?}")) }
}

#[test]
fn every_golden_case_comes_out_to_the_byte() {
    let cases = cases();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for case in &cases {
        match case.run() {
            Ok(code) => {
                case.engines().into_iter().for_each(|engine| *counts.entry(engine).or_default() += 1);
                code.into_iter().for_each(|code| *codes.entry(code.to_string()).or_default() += 1);
            }
            Err(fault) => faults.push(format!("== {}: {fault}", case.name)),
        }
    }
    println!("{} golden cases: {counts:?}; refusals: {codes:?}", cases.len());
    assert!(faults.is_empty(), "{} of {} fail\n{}", faults.len(), cases.len(), faults.join("\n"));
    for (engine, floor) in FLOORS {
        let count = counts.get(engine).copied().unwrap_or(0);
        assert!(count >= floor, "{count} cases of {engine}, at least {floor} are wanted");
    }
    for code in Code::ALL.map(|code| code.to_string()) {
        let known = codes.contains_key(&code) || ELSEWHERE.contains(&code.as_str());
        assert!(known, "no case is refused as `{code}`");
    }
}

#[test]
fn what_terraform_had_formatted_stays_formatted() {
    if Command::new("terraform").arg("version").output().is_err() {
        println!("skipped: terraform is not installed");
        return;
    }
    let mut looked_at = 0;
    for case in cases() {
        let Some(after) = Tree::of(&case.folder.join("after")) else { continue };
        for (path, bytes) in after.0.iter().filter(|(path, _)| path.ends_with(".tf") || path.ends_with(".tfvars")) {
            let formatted = case.before.0.get(path).is_some_and(|before| is_formatted(path, before));
            if formatted {
                looked_at += 1;
                assert!(is_formatted(path, bytes), "{}: terraform fmt would change {path}", case.name);
            }
        }
    }
    println!("{looked_at} formatted Terraform files stay formatted");
    assert!(looked_at >= 1, "no formatted Terraform file among the cases");
}

/// Whether `terraform fmt -check` has nothing to say of a file.
fn is_formatted(path: &str, bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Path::new(path).file_name().unwrap());
    std::fs::write(&file, bytes).unwrap();
    let output = Command::new("terraform").args(["fmt", "-check", "-list=false"]).arg(&file).output().unwrap();
    output.status.success()
}
