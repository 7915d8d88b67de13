//! Rights that somebody gains: new rules, wider rules, new subjects, another role.
//!
//! Must not weigh a right: any that was not there before counts.

use super::scene::{Object, Scene, at, plain, texts};
use serde_yaml::Value;
use std::collections::BTreeSet;

const ROLES: [&str; 2] = ["Role", "ClusterRole"];
const BINDINGS: [&str; 2] = ["RoleBinding", "ClusterRoleBinding"];

/// One right: an API group, a resource, a verb and the name it is limited to; or an address and a verb.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    group: String,
    resource: String,
    verb: String,
    name: String,
}

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let before = scene.before();
    for object in scene.after().iter().filter(|object| is_rbac(object)) {
        let old = before.iter().find(|old| old.id == object.id).map(|old| old.value);
        let wider = match BINDINGS.contains(&object.id.kind.as_str()) {
            true => binding_wider(old, object.value),
            false => role_wider(old, object.value),
        };
        found.extend(wider.map(|what| format!("{}: {} {what}", object.file, object.id)));
    }
    found
}

fn is_rbac(object: &Object<'_>) -> bool {
    let kind = object.id.kind.as_str();
    object.id.group == "rbac.authorization.k8s.io" && (ROLES.contains(&kind) || BINDINGS.contains(&kind))
}

fn binding_wider(old: Option<&Value>, new: &Value) -> Option<String> {
    let subjects = |value: &Value| texts(value, &["subjects"]);
    let Some(old) = old else { return (!subjects(new).is_empty()).then(|| "is new".to_owned()) };
    if old.get("roleRef") != new.get("roleRef") {
        return Some("gives another role".into());
    }
    let before = subjects(old);
    subjects(new).iter().any(|subject| !before.contains(subject)).then(|| "has another subject".to_owned())
}

fn role_wider(old: Option<&Value>, new: &Value) -> Option<String> {
    let aggregates = |value: &Value| value.get("aggregationRule").map(plain);
    if aggregates(new).is_some() && old.map(aggregates) != Some(aggregates(new)) {
        return Some("gathers other rules".into());
    }
    let before = old.map(rights).unwrap_or_default();
    let gained = rights(new).into_iter().find(|right| !before.iter().any(|old| covers(old, right)))?;
    let place = if gained.group.is_empty() { gained.resource } else { format!("{}.{}", gained.resource, gained.group) };
    Some(format!("gains {} {place}", gained.verb))
}

fn rights(value: &Value) -> BTreeSet<Right> {
    let rules = at(value, &["rules"]).and_then(Value::as_sequence);
    rules.into_iter().flatten().flat_map(rule).collect()
}

fn rule(rule: &Value) -> Vec<Right> {
    let list = |key: &str| texts(rule, &[key]);
    let or_all = |set: BTreeSet<String>| if set.is_empty() { BTreeSet::from(["*".to_owned()]) } else { set };
    let (groups, names) = (list("apiGroups"), or_all(list("resourceNames")));
    let mut found = Vec::new();
    for verb in list("verbs") {
        for address in list("nonResourceURLs") {
            found.push(Right { group: "url".into(), resource: address, verb: verb.clone(), name: "*".into() });
        }
        for (group, resource) in groups.iter().flat_map(|group| list("resources").into_iter().map(move |r| (group, r)))
        {
            for name in &names {
                let (group, verb, name) = (group.clone(), verb.clone(), name.clone());
                found.push(Right { group, resource: resource.clone(), verb, name });
            }
        }
    }
    found
}

fn covers(old: &Right, new: &Right) -> bool {
    let part = |old: &str, new: &str| old == "*" || old == new;
    let url = (old.group == "url") == (new.group == "url");
    url && part(&old.group, &new.group)
        && (part(&old.resource, &new.resource) || prefix(&old.resource, &new.resource))
        && part(&old.verb, &new.verb)
        && part(&old.name, &new.name)
}

/// `pods/*` covers `pods/log`, and `/healthz/*` what is below it.
fn prefix(old: &str, new: &str) -> bool {
    old.strip_suffix('*').is_some_and(|start| start.ends_with('/') && new.starts_with(start))
}
