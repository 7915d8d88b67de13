//! Turns the words of an engine into edits of one file.
//!
//! Must not change bytes: it looks at the file and says which edits are meant.

use super::{Code, Files, Refusal, hcl, yaml};
use crate::domain::change::{Change, Edit, Helm, Image, Kustomize, Manifest, Op, Path, Select, Step, Terraform};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The edits of one file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Steps {
    /// The file.
    pub file: String,
    /// The format it is in.
    pub format: Format,
    /// Which document or block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// What to do there, in order.
    pub edits: Vec<Edit>,
}

/// A document's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// YAML, or JSON as part of it.
    Yaml,
    /// HCL.
    Hcl,
}

/// Says which edits a change means, given the files as they stand.
pub(super) fn expand(files: &dyn Files, change: &Change) -> Result<Steps, Refusal> {
    match change {
        Change::Helm(helm) => expand_helm(files, helm),
        Change::Kustomize(kustomize) => expand_kustomize(files, kustomize),
        Change::Manifest(manifest) => expand_manifest(files, manifest),
        Change::Terraform(terraform) => expand_terraform(files, terraform),
    }
}

fn expand_helm(files: &dyn Files, helm: &Helm) -> Result<Steps, Refusal> {
    let sugar = Sugar { set: &helm.set, remove: &helm.remove, edits: &helm.edits };
    yaml_steps(files, &helm.values, helm.select.as_ref(), sugar)
}

fn expand_manifest(files: &dyn Files, manifest: &Manifest) -> Result<Steps, Refusal> {
    let sugar = Sugar { set: &manifest.set, remove: &manifest.remove, edits: &manifest.edits };
    yaml_steps(files, &manifest.file, manifest.select.as_ref(), sugar)
}

struct Sugar<'a> {
    set: &'a BTreeMap<String, Value>,
    remove: &'a [String],
    edits: &'a [Edit],
}

fn yaml_steps(files: &dyn Files, file: &str, select: Option<&Select>, sugar: Sugar<'_>) -> Result<Steps, Refusal> {
    let bytes = need(files, file)?;
    let mut edits = Vec::new();
    for (path, value) in sugar.set {
        let path = read_path(file, path)?;
        edits.extend(put(&bytes, select, path, value.clone()).map_err(|refusal| refusal.in_file(file))?);
    }
    for path in sugar.remove {
        edits.push(delete(read_path(file, path)?));
    }
    edits.extend_from_slice(sugar.edits);
    Ok(Steps { file: file.to_owned(), format: Format::Yaml, select: select.cloned(), edits })
}

/// Sets what is there, adds what is not, and does nothing where the value stands already.
fn put(bytes: &[u8], select: Option<&Select>, path: Path, value: Value) -> Result<Option<Edit>, Refusal> {
    let op = match yaml::lookup(bytes, select, &path)? {
        Some(found) if found == value => return Ok(None),
        Some(_) => Op::Set,
        None => Op::Add,
    };
    Ok(Some(Edit { op, path, value: Some(value), expr: None, form: None }))
}

fn delete(path: Path) -> Edit {
    Edit { op: Op::Delete, path, value: None, expr: None, form: None }
}

fn expand_kustomize(files: &dyn Files, change: &Kustomize) -> Result<Steps, Refusal> {
    let file = match (&change.file, &change.directory) {
        (Some(file), _) => file.clone(),
        (None, Some(directory)) => kustomization(files, directory)?,
        (None, None) => return Err(Refusal::of(Code::Parse, "the kustomize change names no directory")),
    };
    let bytes = need(files, &file)?;
    let place = |refusal: Refusal| refusal.in_file(&file);
    let select = change.select.as_ref();
    let mut edits = Vec::new();
    for image in &change.images {
        edits.extend(set_image(&bytes, select, image).map_err(place)?);
    }
    for replicas in &change.replicas {
        let element = element("replicas", &replicas.name);
        let fields = [("count", Some(json!(replicas.count)))];
        edits.extend(upsert(&bytes, select, "replicas", &element, &replicas.name, &fields).map_err(place)?);
    }
    edits.extend_from_slice(&change.edits);
    Ok(Steps { file: file.clone(), format: Format::Yaml, select: select.cloned(), edits })
}

/// Finds the one kustomization file of a directory.
fn kustomization(files: &dyn Files, directory: &str) -> Result<String, Refusal> {
    let prefix = match directory.trim_end_matches('/') {
        "" | "." => String::new(),
        directory => format!("{directory}/"),
    };
    let mut found = Vec::new();
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let file = format!("{prefix}{name}");
        if files.read(&file)?.is_some() {
            found.push(file);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Refusal::of(Code::NotFound, "no kustomization.yaml, kustomization.yml or Kustomization here")
            .in_file(directory)),
        _ => Err(Refusal::of(Code::Ambiguous, format!("more than one kustomization: {}", found.join(", ")))
            .in_file(directory)),
    }
}

fn element(list: &str, name: &str) -> Vec<Step> {
    vec![Step::Key(list.to_owned()), Step::Match(BTreeMap::from([("name".to_owned(), json!(name))]))]
}

fn set_image(bytes: &[u8], select: Option<&Select>, image: &Image) -> Result<Vec<Edit>, Refusal> {
    let element = element("images", &image.name);
    let text = |value: &Option<String>| value.as_ref().map(|value| json!(value));
    let fields =
        [("newName", text(&image.new_name)), ("newTag", text(&image.new_tag)), ("digest", text(&image.digest))];
    let mut edits = upsert(bytes, select, "images", &element, &image.name, &fields)?;
    // A digest wins over a tag: the one that is not asked for goes, or the change would do nothing.
    let stale = match (&image.new_tag, &image.digest) {
        (Some(_), None) => Some("digest"),
        (None, Some(_)) => Some("newTag"),
        (Some(_), Some(_)) | (None, None) => None,
    };
    if let Some(stale) = stale {
        let path = Path([element, vec![Step::Key(stale.to_owned())]].concat());
        if yaml::lookup(bytes, select, &path)?.is_some() {
            edits.push(delete(path));
        }
    }
    Ok(edits)
}

/// Sets fields of the element of this name, or appends the element.
fn upsert(
    bytes: &[u8],
    select: Option<&Select>,
    list: &str,
    element: &[Step],
    name: &str,
    fields: &[(&str, Option<Value>)],
) -> Result<Vec<Edit>, Refusal> {
    let wanted = fields.iter().filter_map(|(field, value)| value.clone().map(|value| (*field, value)));
    if yaml::lookup(bytes, select, &Path(element.to_vec()))?.is_some() {
        let put_field = |(field, value): (&str, Value)| {
            let path = Path([element, &[Step::Key(field.to_owned())]].concat());
            put(bytes, select, path, value).transpose()
        };
        return wanted.filter_map(put_field).collect();
    }
    let mut value = json!({ "name": name });
    wanted.for_each(|(field, wanted)| value[field] = wanted);
    let path = Path(vec![Step::Key(list.to_owned())]);
    Ok(vec![Edit { op: Op::Append, path, value: Some(value), expr: None, form: None }])
}

fn expand_terraform(files: &dyn Files, change: &Terraform) -> Result<Steps, Refusal> {
    let file = change.file.as_str();
    let bytes = need(files, file)?;
    let select = match (&change.block, &change.select) {
        (Some(_), Some(_)) => return Err(Refusal::of(Code::Parse, "give either `block` or `select`").in_file(file)),
        (Some(address), None) => Some(Select::Block(hcl::address(address).map_err(|refusal| refusal.in_file(file))?)),
        (None, select) => select.clone(),
    };
    let mut edits = Vec::new();
    for (path, value) in &change.set {
        let path = read_path(file, path)?;
        let there = hcl::lookup(&bytes, select.as_ref(), &path).map_err(|refusal| refusal.in_file(file))?;
        let op = if there.is_some() { Op::Set } else { Op::Add };
        edits.push(Edit { op, path, value: Some(value.clone()), expr: None, form: None });
    }
    for path in &change.remove {
        edits.push(delete(read_path(file, path)?));
    }
    edits.extend_from_slice(&change.edits);
    Ok(Steps { file: file.to_owned(), format: Format::Hcl, select, edits })
}

fn read_path(file: &str, path: &str) -> Result<Path, Refusal> {
    Path::parse(path).map_err(|reason| Refusal::of(Code::Parse, reason).in_file(file).at(path))
}

fn need(files: &dyn Files, file: &str) -> Result<Vec<u8>, Refusal> {
    super::paths::check(file)?;
    let missing = || Refusal::of(Code::NotFound, "there is no such file on the base branch").in_file(file);
    files.read(file)?.ok_or_else(missing)
}
