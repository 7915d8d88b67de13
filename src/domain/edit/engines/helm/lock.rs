//! Brings `Chart.lock` in step with a dependency's new version.
//!
//! Must not write a digest whose rule was not seen to give the one that stands there.

use super::Place;
use super::listing::Listing;
use crate::domain::change::Step;
use crate::domain::edit::engines::Steps;
use crate::domain::edit::engines::sheet::{Sheet, key};
use crate::domain::edit::{Code, Refusal};
use crate::domain::ids::Digest;
use serde_json::{Map, Value, json};

/// The edits of the lock file; none where there is no lock file.
pub(super) fn follow(
    place: &Place<'_>,
    listing: &Listing,
    before: &[Value],
    bumps: &[usize],
) -> Result<Option<Steps>, Refusal> {
    let Some(file) = place.chart_file(listing.lock).filter(|file| place.has(file)) else {
        bumps.iter().try_for_each(|n| refuse_vendored(place, before, *n, None))?;
        return Ok(None);
    };
    let mut sheet = Sheet::open(place.files, &file, None)?;
    let locked = sheet.list(&[key("dependencies")])?;
    if sheet.read(&[key("digest")])? != Some(json!(digest(before, &locked))) {
        let reason = "its digest does not belong to the chart's dependencies as they stand; run `helm dependency \
                      update` first, or say `lock: keep`";
        return Err(sheet.refuse(Code::Ambiguous, reason).at("digest"));
    }
    for n in bumps {
        refuse_vendored(place, before, *n, locked.get(*n))?;
        bump(&mut sheet, listing, before, *n)?;
    }
    let locked = sheet.list(&[key("dependencies")])?;
    sheet.put(&[key("digest")], json!(digest(&listing.entries, &locked)))?;
    Ok(Some(sheet.steps()))
}

/// Writes what Helm would find for a dependency, which is certain only for an exact version.
fn bump(sheet: &mut Sheet, listing: &Listing, before: &[Value], n: usize) -> Result<(), Refusal> {
    let entry = [key("dependencies"), Step::Index(n)];
    let locked = sheet.read(&entry)?.unwrap_or_default();
    let version = listing.text(n, "version").unwrap_or_default();
    let name = listing.text(n, "name").unwrap_or_default();
    if !is_exact(version) {
        let reason = format!(
            "the range `{version}` of `{name}` does not say which version to lock; give an exact one, or say `lock: keep`"
        );
        return Err(sheet.refuse(Code::Ambiguous, reason).at("dependencies"));
    }
    let old = before.get(n).map_or(&Value::Null, |entry| &entry["repository"]);
    if locked["name"] != name || locked["repository"] != *old && !(old.is_null() && locked["repository"] == "") {
        let reason = format!("its entry {n} is not the one of `{name}`; run `helm dependency update`");
        return Err(sheet.refuse(Code::Ambiguous, reason).at("dependencies"));
    }
    sheet.put(&[&entry[..], &[key("version")]].concat(), json!(version))?;
    match listing.text(n, "repository") {
        Some(repository) => sheet.put(&[&entry[..], &[key("repository")]].concat(), json!(repository)),
        None => Ok(()),
    }
}

/// A chart that lies in `charts/` would be stale, and an archive cannot be written here.
fn refuse_vendored(place: &Place<'_>, before: &[Value], n: usize, locked: Option<&Value>) -> Result<(), Refusal> {
    let entry = before.get(n).unwrap_or(&Value::Null);
    let name = entry["name"].as_str().unwrap_or_default();
    let version = locked.unwrap_or(entry)["version"].as_str().unwrap_or_default();
    let local = entry["repository"].as_str().is_some_and(|repository| repository.starts_with("file://"));
    let mut files = vec![format!("charts/{name}-{version}.tgz")];
    if !local {
        files.push(format!("charts/{name}/Chart.yaml"));
    }
    for file in files.iter().filter_map(|file| place.chart_file(file)) {
        if place.has(&file) {
            let reason = format!(
                "the chart `{name}` is kept here and would be stale; run `helm dependency update` by hand, or say `lock: keep`"
            );
            return Err(Refusal::of(Code::NotUtf8, reason).in_file(&file));
        }
    }
    Ok(())
}

/// Whether a version is one and no range: `1.2.3`, perhaps with `v`, a pre-release and build metadata.
fn is_exact(version: &str) -> bool {
    let plain = version.strip_prefix('v').unwrap_or(version);
    let core = plain.split(['-', '+']).next().unwrap_or_default();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let tail = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    core.split('.').count() == 3 && core.split('.').all(number) && plain.chars().all(tail)
}

/// The digest that Helm puts into a lock file: SHA-256 of both lists as Go writes them in JSON.
fn digest(dependencies: &[Value], locked: &[Value]) -> String {
    let both = json!([all(dependencies), all(locked)]);
    let text = both.to_string();
    // Go escapes what HTML would read, and two line separators.
    let escaped: String = text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        out
    });
    format!("sha256:{}", Digest::of(escaped.as_bytes()))
}

fn all(entries: &[Value]) -> Vec<Value> {
    entries.iter().map(fields).collect()
}

/// The fields of a dependency in the order of Helm's own type; empty ones are left out, but for two.
fn fields(entry: &Value) -> Value {
    let order = ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Number(_) | Value::Object(_) => false,
    };
    let mut out = Map::new();
    for field in order {
        let value = entry.get(field).unwrap_or(&Value::Null);
        match (field, empty(value)) {
            ("name" | "repository", true) => drop(out.insert(field.to_owned(), json!(""))),
            (_, true) => {}
            (_, false) => drop(out.insert(field.to_owned(), sorted(value))),
        }
    }
    Value::Object(out)
}

// Recursion is bounded: the file's reader refuses what is nested too deep.
/// Maps with their keys sorted, as Go writes them.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut all: Vec<(String, Value)> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(all.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_helms_own() {
        // The published Chart.lock of kube-prometheus-stack of January 2021.
        let state = "https://kubernetes.github.io/kube-state-metrics";
        let node = "https://prometheus-community.github.io/helm-charts";
        let grafana = "https://grafana.github.io/helm-charts";
        let wanted = [
            json!({"name": "kube-state-metrics", "version": "2.9.*", "repository": state, "condition": "kubeStateMetrics.enabled"}),
            json!({"name": "prometheus-node-exporter", "version": "1.12.*", "repository": node, "condition": "nodeExporter.enabled"}),
            json!({"repository": grafana, "name": "grafana", "version": "6.1.*", "condition": "grafana.enabled"}),
        ];
        let locked = [
            json!({"name": "kube-state-metrics", "repository": state, "version": "2.9.7"}),
            json!({"name": "prometheus-node-exporter", "repository": node, "version": "1.12.0"}),
            json!({"name": "grafana", "repository": grafana, "version": "6.1.17"}),
        ];
        let stated = "sha256:618d35aba8290330ef4c39438e6be271e17c68aed8806acd626ce8b844056415";
        assert_eq!(digest(&wanted, &locked), stated);
        assert_ne!(digest(&locked, &locked), stated);
    }

    #[test]
    fn exact_versions_are_told_from_ranges() {
        for version in ["1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3+build.7", "19.0.0-alpha-2"] {
            assert!(is_exact(version), "{version}");
        }
        for version in
            ["^1.2.3", "~1.2", "1.2", "1.2.x", "1.*", ">=1.0.0", "1.2.3 - 2.0.0", "", "1.2.3 || 2.0.0", "latest"]
        {
            assert!(!is_exact(version), "{version}");
        }
    }
}
