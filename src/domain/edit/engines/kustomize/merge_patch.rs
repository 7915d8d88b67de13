//! Writes values into strategic merge patches.
//!
//! Must not make a list element where Kubernetes would take the list as a whole.

use crate::domain::change::{PatchTarget, Path, Step};
use crate::domain::edit::engines::sheet::{Sheet, keys};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Lists that are merged by a field of their elements, with that field.
const MERGED: [(&str, &[&str]); 11] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("ports", &["containerPort", "port"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey"]),
];

/// Kinds whose lists are known to be merged; those of other kinds may be replaced as a whole.
const KNOWN: [&str; 9] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Pod",
    "Service",
];

/// The text of a new patch that sets one value.
pub(super) fn fresh(target: &PatchTarget, path: &[Step], value: &Value) -> Result<String, Refusal> {
    let mut text = Sheet::of_text("");
    if let (Some(version), group) = (&target.version, &target.group) {
        let group = group.as_ref().map(|group| format!("{group}/")).unwrap_or_default();
        text.put(&keys(&["apiVersion"]), json!(format!("{group}{version}")))?;
    }
    for (place, found) in [(&["kind"][..], &target.kind), (&["metadata", "name"], &target.name)] {
        if let Some(found) = found {
            text.put(&keys(place), json!(found))?;
        }
    }
    put(&mut text, target.kind.as_deref(), path, value)?;
    Ok(text.text().trim_end().to_owned())
}

/// Sets a value, making the maps and list elements on the way that are not there.
pub(super) fn put(text: &mut Sheet, kind: Option<&str>, path: &[Step], value: &Value) -> Result<(), Refusal> {
    let mut there = path.len();
    while there > 0 && text.read(&path[..there])?.is_none() {
        there -= 1;
    }
    let Some(next) = path.get(there) else { return text.put(path, value.clone()) };
    check_lists(kind, path, there)?;
    let rest = build(path.get(there + 1..).unwrap_or_default(), value)?;
    match next {
        Step::Key(_) => text.put(&path[..=there], rest),
        Step::Match(fields) => text.append(&path[..there], element(fields, rest)?),
        Step::Index(_) => Err(no_place(path, "the patch has no such element; pick it by a field, as `[name=app]`")),
    }
}

/// The value that stands at the first of these steps if the last one gets a value.
fn build(steps: &[Step], value: &Value) -> Result<Value, Refusal> {
    steps.iter().rev().try_fold(value.clone(), |inner, step| match step {
        Step::Key(name) => Ok(Value::Object(Map::from_iter([(name.clone(), inner)]))),
        Step::Match(fields) => Ok(Value::Array(vec![element(fields, inner)?])),
        Step::Index(_) => Err(no_place(steps, "a new element is picked by a field, as `[name=app]`")),
    })
}

fn element(fields: &BTreeMap<String, Value>, inner: Value) -> Result<Value, Refusal> {
    let mut all: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), number(name, value))).collect();
    match inner {
        Value::Object(inner) => all.extend(inner),
        _ => return Err(Refusal::of(Code::Parse, "a new list element needs a field behind the bracket")),
    }
    Ok(Value::Object(all))
}

/// A dotted path has texts only, and a port is a number.
fn number(name: &str, value: &Value) -> Value {
    let port = matches!(name, "containerPort" | "port");
    let number = value.as_str().filter(|_| port).and_then(|text| text.parse::<u16>().ok());
    number.map_or_else(|| value.clone(), |number| json!(number))
}

/// Refuses a new element of a list that is not known to be merged by the field it is picked by.
fn check_lists(kind: Option<&str>, path: &[Step], there: usize) -> Result<(), Refusal> {
    for (n, step) in path.iter().enumerate().skip(there) {
        let (Step::Match(fields), Some(Step::Key(list))) = (step, n.checked_sub(1).and_then(|n| path.get(n))) else {
            continue;
        };
        let by = |names: &[&str]| fields.len() == 1 && fields.keys().all(|name| names.contains(&name.as_str()));
        let merged = MERGED.iter().any(|(known, names)| known == list && by(names));
        if !merged || !kind.is_some_and(|kind| KNOWN.contains(&kind)) {
            let reason = format!(
                "the patch has no such element of `{list}`, and a new one might replace the whole list; use `jsonPatch`"
            );
            return Err(no_place(path, &reason));
        }
    }
    Ok(())
}

fn no_place(path: &[Step], reason: &str) -> Refusal {
    Refusal::of(Code::NotFound, reason).at(Path(path.to_vec()))
}
