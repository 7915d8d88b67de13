//! `namespace`, `labels`, `commonAnnotations` and the versions of inflated charts.
//!
//! Must not put a new label into selectors, which cannot change on live objects.

use crate::domain::change::{HelmChart, Kustomize, Pairs, Path, Step};
use crate::domain::edit::engines::sheet::{Sheet, join, key, keys};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Map, Value, json};

/// Sets what the words say.
pub(super) fn set(sheet: &mut Sheet, change: &Kustomize) -> Result<(), Refusal> {
    if let Some(namespace) = &change.namespace {
        sheet.put(&[key("namespace")], json!(namespace))?;
    }
    for (name, value) in &change.labels.set {
        set_label(sheet, name, value)?;
    }
    for name in &change.labels.remove {
        let path = label(sheet, name)?.ok_or_else(|| missing(sheet, "labels", name))?;
        sheet.delete(&path)?;
    }
    set_annotations(sheet, &change.common_annotations)?;
    change.helm_charts.iter().try_for_each(|chart| set_chart(sheet, chart))
}

fn missing(sheet: &Sheet, place: &str, name: &str) -> Refusal {
    sheet.refuse(Code::NotFound, format!("there is no `{name}` to remove")).at(place)
}

/// The one place where a label stands.
fn label(sheet: &Sheet, name: &str) -> Result<Option<Vec<Step>>, Refusal> {
    let mut found = Vec::new();
    let common = keys(&["commonLabels", name]);
    if sheet.read(&common)?.is_some() {
        found.push(common);
    }
    for n in 0..sheet.list(&[key("labels")])?.len() {
        let path = vec![key("labels"), Step::Index(n), key("pairs"), key(name)];
        if sheet.read(&path)?.is_some() {
            found.push(path);
        }
    }
    if found.len() > 1 {
        let places: Vec<String> = found.iter().map(|path| format!("`{}`", Path(path.clone()))).collect();
        let reason = format!("the label stands in {}; change one with `edits`", places.join(" and "));
        return Err(sheet.refuse(Code::Ambiguous, reason));
    }
    Ok(found.pop())
}

fn set_label(sheet: &mut Sheet, name: &str, value: &str) -> Result<(), Refusal> {
    if let Some(path) = label(sheet, name)? {
        return sheet.put(&path, json!(value));
    }
    let off = |entry: &Value, field: &str| entry.get(field).is_none_or(|value| value == &json!(false));
    let plain = |entry: &Value| off(entry, "includeSelectors") && entry.get("fields").is_none();
    let entries = sheet.list(&[key("labels")])?;
    let open: Vec<usize> = (0..entries.len()).filter(|n| plain(&entries[*n])).collect();
    match open.as_slice() {
        [one] => sheet.put(&[key("labels"), Step::Index(*one), key("pairs"), key(name)], json!(value)),
        [] => sheet.append(&[key("labels")], json!({"pairs": Map::from_iter([(name.to_owned(), json!(value))])})),
        many => {
            let reason = format!("{} entries of `labels` could take `{name}`; choose one with `edits`", many.len());
            Err(sheet.refuse(Code::Ambiguous, reason).at("labels"))
        }
    }
}

fn set_annotations(sheet: &mut Sheet, pairs: &Pairs) -> Result<(), Refusal> {
    for (name, value) in &pairs.set {
        sheet.put(&keys(&["commonAnnotations", name]), json!(value))?;
    }
    for name in &pairs.remove {
        let path = keys(&["commonAnnotations", name]);
        if sheet.read(&path)?.is_none() {
            return Err(missing(sheet, "commonAnnotations", name));
        }
        sheet.delete(&path)?;
    }
    Ok(())
}

/// `helmCharts`, and its legacy form, which has other names for the same fields.
const CHARTS: [(&str, &str, &str); 2] =
    [("helmCharts", "name", "version"), ("helmChartInflationGenerator", "chartName", "chartVersion")];

fn set_chart(sheet: &mut Sheet, chart: &HelmChart) -> Result<(), Refusal> {
    let mut found = Vec::new();
    for (list, name, version) in CHARTS {
        for (n, entry) in sheet.list(&[key(list)])?.iter().enumerate() {
            let release = chart.release_name.as_deref().is_none_or(|release| entry["releaseName"] == release);
            if entry[name] == chart.name && release {
                found.push((vec![key(list), Step::Index(n)], version));
            }
        }
    }
    match found.as_slice() {
        [(path, version)] => sheet.put(&join(path, &[key(version)]), json!(chart.version)),
        [] => {
            let reason = format!("no entry inflates the chart `{}` with that release", chart.name);
            Err(sheet.refuse(Code::NotFound, reason).at("helmCharts"))
        }
        many => {
            let reason = format!("{} entries inflate the chart `{}`; say `releaseName`", many.len(), chart.name);
            Err(sheet.refuse(Code::Ambiguous, reason).at("helmCharts"))
        }
    }
}
