//! Finds the patches of an overlay, inline or in files, in `patches` and in the two legacy lists.
//!
//! Must not touch a patch file outside of the overlay's directory: others may read it too.

use super::{Overlay, json_patch, merge_patch};
use crate::domain::change::{Patch, PatchTarget, Path, Step};
use crate::domain::edit::engines::Steps;
use crate::domain::edit::engines::sheet::{Sheet, join, key};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const LISTS: [&str; 3] = ["patches", "patchesJson6902", "patchesStrategicMerge"];

/// Makes the patches say what is asked for; answers the edits of patch files.
pub(super) fn set(sheet: &mut Sheet, overlay: &Overlay<'_>, wanted: &[Patch]) -> Result<Vec<Steps>, Refusal> {
    let mut desk = Desk { sheet, overlay, files: BTreeMap::new() };
    for patch in wanted {
        desk.set(patch)?;
    }
    let sheets = desk.files.into_values();
    Ok(sheets.filter(|sheet| !sheet.is_clean()).map(Sheet::steps).collect())
}

/// The kustomization and the patch files that were opened, by document.
struct Desk<'d> {
    sheet: &'d mut Sheet,
    overlay: &'d Overlay<'d>,
    files: BTreeMap<(String, usize), Sheet>,
}

/// One document of a patch.
struct Body {
    home: Home,
    document: usize,
    /// A JSON patch is a list of operations; a strategic merge patch is an object.
    is_json: bool,
    /// Where it stands, for people.
    place: String,
}

/// Where the text of a patch is written.
enum Home {
    /// At this path of the kustomization.
    Inline(Vec<Step>),
    /// In this file of the repository.
    File(String),
}

/// What an entry of a list of patches says.
struct Entry {
    home: Home,
    target: Option<Value>,
    place: String,
}

impl Desk<'_> {
    fn set(&mut self, patch: &Patch) -> Result<(), Refusal> {
        if let (Some(path), true) = (&patch.path, is_listing(patch)) {
            return self.list_file(path, &patch.target);
        }
        for (path, value) in &patch.set {
            let steps = self.steps_of(path)?;
            self.set_value(patch, &steps, value)?;
        }
        for path in &patch.remove {
            let steps = self.steps_of(path)?;
            self.remove_value(patch, &steps)?;
        }
        patch.json_patch.iter().try_for_each(|op| self.set_operation(patch, op))
    }

    fn steps_of(&self, path: &str) -> Result<Vec<Step>, Refusal> {
        super::super::read_path(self.sheet.file(), path).map(|path| path.0)
    }

    fn set_value(&mut self, patch: &Patch, path: &[Step], value: &Value) -> Result<(), Refusal> {
        let bodies = self.bodies(patch)?;
        if let Some((body, place)) = self.holder(&bodies, path)? {
            return self.change(body, |text| text.put(&place, value.clone()));
        }
        let merges: Vec<&Body> = bodies.iter().filter(|body| !body.is_json).collect();
        let kind = patch.target.kind.as_deref();
        match merges.as_slice() {
            [one] => self.change(one, |text| merge_patch::put(text, kind, path, value)),
            [] => {
                let text = merge_patch::fresh(&patch.target, path, value)
                    .map_err(|refusal| refusal.in_file(self.sheet.file()))?;
                self.append(patch, &text)
            }
            many => Err(self.ambiguous(many, path)),
        }
    }

    fn remove_value(&mut self, patch: &Patch, path: &[Step]) -> Result<(), Refusal> {
        let bodies = self.bodies(patch)?;
        let Some((body, place)) = self.holder(&bodies, path)? else {
            let places: Vec<&str> = bodies.iter().map(|body| body.place.as_str()).collect();
            let reason = format!("no patch of the target sets this; looked at {}", list(&places));
            return Err(self.sheet.refuse(Code::NotFound, reason).at(Path(path.to_vec())));
        };
        // An operation whose whole value goes has nothing left to do.
        let whole = body.is_json && place.len() == 2;
        self.change(body, |text| text.delete(&place[..if whole { 1 } else { place.len() }]))
    }

    fn set_operation(&mut self, patch: &Patch, op: &crate::domain::change::JsonOp) -> Result<(), Refusal> {
        let bodies: Vec<Body> = self.bodies(patch)?.into_iter().filter(|body| body.is_json).collect();
        let wanted = json!(op);
        let mut same = Vec::new();
        for body in &bodies {
            same.extend(json_patch::same(&self.open(body)?, &wanted)?.map(|n| (body, n)));
        }
        match (same.as_slice(), bodies.as_slice()) {
            ([(body, n)], _) => self.change(body, |text| json_patch::put(text, *n, &wanted)),
            ([], [one]) => self.change(one, |text| text.append(&[], json_patch::ordered(&wanted))),
            ([], []) => {
                let mut text = Sheet::of_text("");
                text.append(&[], json_patch::ordered(&wanted))?;
                self.append(patch, text.text().trim_end())
            }
            (_, many) => Err(self.ambiguous(&many.iter().collect::<Vec<_>>(), &[key(&op.path)])),
        }
    }

    /// The one patch that sets a value, and where inside it.
    fn holder<'b>(&self, bodies: &'b [Body], path: &[Step]) -> Result<Option<(&'b Body, Vec<Step>)>, Refusal> {
        let mut found = Vec::new();
        for body in bodies {
            let text = self.open(body)?;
            let place =
                if body.is_json { json_patch::place(&text, path)? } else { text.read(path)?.map(|_| path.to_vec()) };
            found.extend(place.map(|place| (body, place)));
        }
        if found.len() > 1 {
            return Err(self.ambiguous(&found.iter().map(|(body, _)| *body).collect::<Vec<_>>(), path));
        }
        Ok(found.pop())
    }

    fn ambiguous(&self, bodies: &[&Body], path: &[Step]) -> Refusal {
        let places: Vec<&str> = bodies.iter().map(|body| body.place.as_str()).collect();
        let reason = format!("more than one patch could say this: {}; name one by its `path`", list(&places));
        self.sheet.refuse(Code::Ambiguous, reason).at(Path(path.to_vec()))
    }

    /// A patch's text as a document of its own.
    fn open(&self, body: &Body) -> Result<Sheet, Refusal> {
        let text = match &body.home {
            Home::File(file) => match self.files.get(&(file.clone(), body.document)) {
                Some(sheet) => Sheet::of_text(&sheet.text()),
                None => Sheet::open(self.overlay.files, file, None)?,
            },
            Home::Inline(path) => match self.sheet.read(path)? {
                Some(Value::String(text)) => Sheet::of_text(&text),
                _ => Sheet::of_text(""),
            },
        };
        Ok(text.at_document(body.document))
    }

    /// Changes a patch's text where it stands.
    fn change(&mut self, body: &Body, how: impl FnOnce(&mut Sheet) -> Result<(), Refusal>) -> Result<(), Refusal> {
        match &body.home {
            Home::Inline(path) => {
                let mut text = self.open(body)?;
                let within = |refusal: Refusal| {
                    self.sheet.refuse(refusal.code, refusal.reason).at(format!("{}: {}", body.place, refusal.path))
                };
                how(&mut text).map_err(within)?;
                self.sheet.put(path, json!(text.text()))
            }
            Home::File(file) => {
                if !self.overlay.owns(file) {
                    let reason = "the patch file lies outside of the overlay, where others may read it; name its \
                                  directory, or the file with `manifest`";
                    return Err(Refusal::of(Code::PathForbidden, reason).in_file(file));
                }
                let place = (file.clone(), body.document);
                if !self.files.contains_key(&place) {
                    let sheet = Sheet::open(self.overlay.files, file, None)?.at_document(body.document);
                    self.files.insert(place.clone(), sheet);
                }
                self.files.get_mut(&place).map_or(Ok(()), how)
            }
        }
    }

    /// The documents of the patches that are for a target.
    fn bodies(&self, patch: &Patch) -> Result<Vec<Body>, Refusal> {
        let mut found = Vec::new();
        for entry in self.entries()? {
            let file = patch.path.as_ref().map(|path| self.overlay.resolve(path));
            let named = match (&file, &entry.home) {
                (None, _) => true,
                (Some(Some(file)), Home::File(home)) => file == home,
                (Some(_), _) => false,
            };
            let chosen = entry.target.as_ref().map(|target| fits_target(&patch.target, target));
            if !named || chosen == Some(false) {
                continue;
            }
            match self.documents(&entry) {
                Ok(documents) => found.extend(bodies(entry, &documents, chosen, patch)),
                // What cannot be read is only in the way if it is known to be meant.
                Err(refusal) if chosen == Some(true) || patch.path.is_some() => return Err(refusal),
                Err(_) => {}
            }
        }
        Ok(found)
    }

    fn documents(&self, entry: &Entry) -> Result<Vec<serde_yaml::Value>, Refusal> {
        let body = Body { home: entry.home.clone(), document: 0, is_json: false, place: String::new() };
        self.open(&body)?.documents().map_err(|refusal| match &entry.home {
            Home::File(_) => refusal,
            Home::Inline(_) => refusal.in_file(self.sheet.file()).at(&entry.place),
        })
    }

    fn entries(&self) -> Result<Vec<Entry>, Refusal> {
        let mut found = Vec::new();
        for list in LISTS {
            for (n, value) in self.sheet.list(&[key(list)])?.into_iter().enumerate() {
                let path = vec![key(list), Step::Index(n)];
                found.extend(self.entry(path, value)?);
            }
        }
        Ok(found)
    }

    fn entry(&self, path: Vec<Step>, value: Value) -> Result<Option<Entry>, Refusal> {
        let place = Path(path.clone()).to_string();
        let file = |name: &str| self.overlay.resolve(name).map(|file| (format!("{place} ({name})"), Home::File(file)));
        let found = match &value {
            // An entry of the oldest list is a file's name or, if there is no such file, a patch.
            Value::String(text) if text.contains('\n') => Some((place, Home::Inline(path))),
            Value::String(text) => match file(text) {
                Some((_, Home::File(name))) if self.overlay.files.read(&name)?.is_none() => {
                    Some((place, Home::Inline(path)))
                }
                found => found,
            },
            entry => match (entry["path"].as_str(), entry["patch"].as_str()) {
                (Some(name), None) => file(name),
                (None, Some(_)) => Some((place, Home::Inline(join(&path, &[key("patch")])))),
                (_, _) => None,
            },
        };
        let target = value.get("target").filter(|target| !target.is_null()).cloned();
        Ok(found.map(|(place, home)| Entry { home, target, place }))
    }

    /// A new entry with an inline patch.
    fn append(&mut self, patch: &Patch, text: &str) -> Result<(), Refusal> {
        if let Some(path) = &patch.path {
            let reason = format!("`{path}` is no patch of this target; list the file first, or leave `path` out");
            return Err(self.sheet.refuse(Code::NotFound, reason).at("patches"));
        }
        if patch.target.kind.is_none() || patch.target.name.is_none() {
            let reason = "no patch of the target is there, and a new one needs the target's `kind` and `name`";
            return Err(self.sheet.refuse(Code::NotFound, reason).at("patches"));
        }
        self.sheet.append(&[key("patches")], json!({"patch": text, "target": target_value(&patch.target)}))
    }

    /// Lists a patch file that is there.
    fn list_file(&mut self, name: &str, target: &PatchTarget) -> Result<(), Refusal> {
        let file = self.overlay.resolve(name).filter(|file| self.overlay.owns(file));
        let Some(file) = file else {
            let reason = format!("`{name}` leads out of the overlay, which Kustomize does not follow");
            return Err(self.sheet.refuse(Code::PathForbidden, reason).at("patches"));
        };
        if self.overlay.files.read(&file)?.is_none() {
            return Err(self.sheet.refuse(Code::NotFound, format!("there is no file `{file}`")).at("patches"));
        }
        let same = |entry: &Entry| matches!(&entry.home, Home::File(home) if *home == file);
        if self.entries()?.iter().any(same) {
            return Ok(());
        }
        let mut value = json!({ "path": name });
        if !target.is_empty() {
            value["target"] = target_value(target);
        }
        self.sheet.append(&[key("patches")], value)
    }
}

impl Clone for Home {
    fn clone(&self) -> Home {
        match self {
            Home::Inline(path) => Home::Inline(path.clone()),
            Home::File(file) => Home::File(file.clone()),
        }
    }
}

fn is_listing(patch: &Patch) -> bool {
    patch.set.is_empty() && patch.remove.is_empty() && patch.json_patch.is_empty()
}

fn list(places: &[&str]) -> String {
    if places.is_empty() { "none".to_owned() } else { places.join(", ") }
}

fn target_value(target: &PatchTarget) -> Value {
    let fields = target.fields().into_iter();
    Value::Object(fields.filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect::<Map<_, _>>())
}

/// The documents of an entry that are for a target: all where the entry says so, else those that say so themselves.
fn bodies(entry: Entry, documents: &[serde_yaml::Value], chosen: Option<bool>, patch: &Patch) -> Vec<Body> {
    let fits = |document: &serde_yaml::Value| match chosen {
        Some(chosen) => chosen,
        None => document.is_mapping() && fits_object(&patch.target, document),
    };
    let place =
        |n: usize| if documents.len() > 1 { format!("{} document {n}", entry.place) } else { entry.place.clone() };
    let body = |(n, document): (usize, &serde_yaml::Value)| Body {
        home: entry.home.clone(),
        document: n,
        is_json: document.is_sequence(),
        place: place(n),
    };
    documents.iter().enumerate().filter(|(_, document)| fits(document)).map(body).collect()
}

/// Whether an entry's target has all that is asked for, and picks by nothing wider.
fn fits_target(wanted: &PatchTarget, target: &Value) -> bool {
    let has = |(field, value): (&str, Option<&str>)| value.is_none_or(|value| target[field] == value);
    wanted.fields().into_iter().all(has)
}

/// Whether the object that a patch describes is the one asked for.
fn fits_object(wanted: &PatchTarget, object: &serde_yaml::Value) -> bool {
    let text = |value: Option<&serde_yaml::Value>| value.and_then(|value| value.as_str()).map(str::to_owned);
    let meta = |field: &str| text(object.get("metadata").and_then(|meta| meta.get(field)));
    let version = text(object.get("apiVersion")).unwrap_or_default();
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let is = |wanted: &Option<String>, found: Option<String>| wanted.is_none() || *wanted == found;
    is(&wanted.group, Some(group.to_owned()))
        && is(&wanted.version, Some(version.to_owned()))
        && is(&wanted.kind, text(object.get("kind")))
        && is(&wanted.name, meta("name"))
        && is(&wanted.namespace, meta("namespace"))
        && wanted.label_selector.is_none()
        && wanted.annotation_selector.is_none()
}
