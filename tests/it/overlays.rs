//! Overlays under `fixtures/kustomize`, built by `kubectl kustomize` before and after a change: only what was meant
//! may differ in the objects.
//!
//! A folder is `changes.yaml` (the `changes` list of a proposal), `before/` (a repository) and `wanted.yaml`: the
//! overlay's `directory`, and what differs in the objects that it builds.

use countersign::domain::canon;
use countersign::domain::change::Change;
use countersign::domain::edit::{Files, Refusal, apply};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Repository(PathBuf);

impl Files for Repository {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(std::fs::read(self.0.join(path)).ok())
    }
}

/// What a change comes to in the objects.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    directory: String,
    /// JSON pointers to new values, by `Kind/name`.
    #[serde(default)]
    set: BTreeMap<String, BTreeMap<String, Value>>,
    /// JSON pointers of what is gone, by `Kind/name`.
    #[serde(default)]
    remove: BTreeMap<String, Vec<String>>,
    /// Whole objects that are new.
    #[serde(default)]
    added: Vec<Value>,
    /// Objects that are gone, as `Kind/name`.
    #[serde(default)]
    gone: Vec<String>,
}

type Objects = BTreeMap<String, Value>;

fn name(object: &Value) -> String {
    format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

/// The objects that `kubectl kustomize` makes of a directory.
fn build(directory: &Path) -> Result<Objects, String> {
    let output = Command::new("kubectl").arg("kustomize").arg(directory).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut objects = Objects::new();
    for document in serde_yaml::Deserializer::from_slice(&output.stdout) {
        let object = Value::deserialize(document).unwrap();
        let twice = objects.insert(name(&object), object);
        assert!(twice.is_none(), "two objects of one name: {twice:?}");
    }
    Ok(objects)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Puts a value at a JSON pointer, making the maps on the way.
fn put(root: &mut Value, pointer: &str, value: Value) {
    let mut here = root;
    for token in pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")) {
        if here.is_null() {
            *here = Value::Object(serde_json::Map::new());
        }
        here = match here {
            Value::Array(items) => &mut items[token.parse::<usize>().unwrap()],
            Value::Object(map) => map.entry(token).or_insert(Value::Null),
            other => panic!("{pointer} crosses {other}"),
        };
    }
    *here = value;
}

fn take(root: &mut Value, pointer: &str) {
    let (front, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    match root.pointer_mut(front).unwrap() {
        Value::Array(items) => drop(items.remove(last.parse().unwrap())),
        Value::Object(map) => drop(map.shift_remove(&last).unwrap()),
        other => panic!("{pointer} ends in {other}"),
    }
}

fn meant(mut objects: Objects, wanted: &Wanted) -> Objects {
    for (object, values) in &wanted.set {
        let object = objects.get_mut(object).unwrap_or_else(|| panic!("no object {object}"));
        values.iter().for_each(|(pointer, value)| put(object, pointer, value.clone()));
    }
    for (object, pointers) in &wanted.remove {
        let object = objects.get_mut(object).unwrap_or_else(|| panic!("no object {object}"));
        pointers.iter().for_each(|pointer| take(object, pointer));
    }
    for gone in &wanted.gone {
        assert!(objects.remove(gone).is_some(), "no object {gone}");
    }
    objects.extend(wanted.added.iter().map(|object| (name(object), object.clone())));
    objects
}

fn check(folder: &Path) -> Result<(), String> {
    let read = |name: &str| std::fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let words = canon::parse(&read("changes.yaml")?).map_err(|error| error.to_string())?;
    let changes: Vec<Change> = canon::typed(words).map_err(|error| error.to_string())?;
    let wanted: Wanted = serde_yaml::from_slice(&read("wanted.yaml")?).map_err(|error| error.to_string())?;
    let place = tempfile::tempdir().unwrap();
    copy(&folder.join("before"), place.path());
    let directory = place.path().join(&wanted.directory);
    let before = build(&directory)?;
    let applied = apply(&Repository(place.path().to_owned()), &changes).map_err(|refusal| refusal.to_string())?;
    for file in &applied.files {
        std::fs::write(place.path().join(&file.path), &file.after).unwrap();
    }
    let after = build(&directory).map_err(|error| format!("after the change: {error}{}", applied.unified_diff()))?;
    let meant = meant(before.clone(), &wanted);
    if before == meant {
        return Err("wants nothing".to_owned());
    }
    if after == meant {
        return Ok(());
    }
    let text = |objects: &Objects| serde_json::to_string_pretty(objects).unwrap();
    let (meant, after) = (text(&meant), text(&after));
    let diff = similar::TextDiff::from_lines(&meant, &after);
    Err(format!("{}{}", applied.unified_diff(), diff.unified_diff().header("meant", "built")))
}

#[test]
fn only_what_is_meant_differs_in_what_kustomize_builds() {
    if Command::new("kubectl").args(["kustomize", "--help"]).output().is_err() {
        eprintln!("skipped: kubectl is not installed");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kustomize");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let fault = |folder: &PathBuf| check(folder).err().map(|fault| format!("== {}: {fault}", folder.display()));
    let faults: Vec<String> = folders.iter().filter_map(fault).collect();
    eprintln!("{} overlays built before and after", folders.len());
    assert!(faults.is_empty(), "{} of {} fail\n{}", faults.len(), folders.len(), faults.join("\n"));
    assert!(folders.len() >= 18, "{} overlays", folders.len());
}
