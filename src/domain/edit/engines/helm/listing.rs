//! A chart's list of dependencies, wherever it stands.
//!
//! Must not change anything: it finds and reads.

use super::Place;
use crate::domain::change::{Dependency, Step};
use crate::domain::edit::engines::sheet::{Sheet, key};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Value, json};

/// A chart's list of dependencies: in `Chart.yaml`, or in the `requirements.yaml` of an old chart.
pub(super) struct Listing {
    /// The file it stands in.
    pub sheet: Sheet,
    /// Its entries, as they stand.
    pub entries: Vec<Value>,
    /// The name of the lock file that belongs to it.
    pub lock: &'static str,
}

impl Listing {
    /// Finds the list; none where there is no chart.
    pub(super) fn find(place: &Place<'_>) -> Result<Option<Listing>, Refusal> {
        for (name, lock) in [("Chart.yaml", "Chart.lock"), ("requirements.yaml", "requirements.lock")] {
            let Some(file) = place.chart_file(name) else { return Ok(None) };
            if place.files.read(&file)?.is_none() {
                continue;
            }
            let sheet = Sheet::open(place.files, &file, None)?;
            let entries = sheet.list(&[key("dependencies")])?;
            if !entries.is_empty() {
                return Ok(Some(Listing { sheet, entries, lock }));
            }
        }
        Ok(None)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A text field of a dependency.
    pub(super) fn text(&self, n: usize, field: &str) -> Option<&str> {
        self.entries.get(n).and_then(|entry| entry.get(field)).and_then(Value::as_str)
    }

    /// The key of a dependency's values.
    pub(super) fn key(&self, n: usize) -> String {
        let alias = self.text(n, "alias").filter(|alias| !alias.is_empty());
        alias.or(self.text(n, "name")).unwrap_or_default().to_owned()
    }

    /// The dependencies of this name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(move |n| self.text(*n, "name") == Some(name))
    }

    /// The one dependency of this name or alias.
    pub(super) fn pick(&self, name: &str) -> Result<usize, Refusal> {
        let fits = |n: &usize| self.text(*n, "name") == Some(name) || self.text(*n, "alias") == Some(name);
        let found: Vec<usize> = (0..self.len()).filter(fits).collect();
        let place = |code, reason: String| self.sheet.refuse(code, reason).at("dependencies");
        match found.as_slice() {
            [one] => Ok(*one),
            [] => {
                let names: Vec<String> = (0..self.len()).map(|n| self.key(n)).collect();
                Err(place(Code::NotFound, format!("no dependency `{name}`; there are {}", names.join(", "))))
            }
            many => {
                let names: Vec<String> = many.iter().map(|n| self.key(*n)).collect();
                let reason = format!("{} dependencies are called `{name}`: say {}", many.len(), names.join(" or "));
                Err(place(Code::Ambiguous, reason))
            }
        }
    }

    /// Sets a dependency's version and repository; says whether either changed.
    pub(super) fn set(&mut self, n: usize, wanted: &Dependency) -> Result<bool, Refusal> {
        let before = self.entries.get(n).cloned();
        let fields = [("version", Some(&wanted.version)), ("repository", wanted.repository.as_ref())];
        for (field, value) in fields {
            if let Some(value) = value {
                self.sheet.put(&[key("dependencies"), Step::Index(n), key(field)], json!(value))?;
            }
        }
        self.entries = self.sheet.list(&[key("dependencies")])?;
        Ok(self.entries.get(n).cloned() != before)
    }
}
