//! Knows where things live in a Helm chart and in its values.
//!
//! Must not change bytes: it says which edits are meant. Must not touch a chart's templates.

mod chart;
mod images;
mod listing;
mod lock;
mod paths;
mod subcharts;

use super::sheet::{Sheet, join};
use super::{Steps, need};
use crate::domain::change::{Helm, Step};
use crate::domain::edit::{Code, Files, Refusal};
use serde_json::Value;

pub(super) fn expand(files: &dyn Files, helm: &Helm) -> Result<Vec<Steps>, Refusal> {
    let place = Place::of(files, helm)?;
    let mut steps = Vec::new();
    if helm.is_of_values() {
        steps.push(values(&place, helm)?);
    }
    if helm.is_of_chart() {
        steps.extend(chart::set(&place, helm)?);
    }
    Ok(steps)
}

/// Where a change of Helm's happens.
struct Place<'a> {
    files: &'a dyn Files,
    /// The values file.
    values: String,
    /// The chart's folder with a slash at its end, empty for the root; none where no `Chart.yaml` is.
    chart: Option<String>,
}

impl<'a> Place<'a> {
    fn of(files: &'a dyn Files, helm: &Helm) -> Result<Place<'a>, Refusal> {
        let folder = match (&helm.chart, &helm.values) {
            (Some(chart), _) => slashed(chart.trim_end_matches("Chart.yaml")),
            (None, Some(values)) => slashed(values.rsplit_once('/').map_or("", |(folder, _)| folder)),
            (None, None) => return Err(Refusal::of(Code::Parse, "the helm change names neither `values` nor `chart`")),
        };
        let values = helm.values.clone().unwrap_or_else(|| format!("{folder}values.yaml"));
        let is_there =
            super::paths::check(&folder_file(&folder)).is_ok() && files.read(&folder_file(&folder))?.is_some();
        if !is_there && (helm.chart.is_some() || helm.is_of_chart()) {
            need(files, &folder_file(&folder))?;
        }
        Ok(Place { files, values, chart: is_there.then_some(folder) })
    }

    /// The file of the chart with this name, as the changes so far leave it.
    fn chart_file(&self, name: &str) -> Option<String> {
        self.chart.as_ref().map(|folder| format!("{folder}{name}"))
    }

    /// Whether something is at a path, readable or not.
    fn has(&self, path: &str) -> bool {
        !matches!(self.files.read(path), Ok(None))
    }
}

fn slashed(folder: &str) -> String {
    match folder.trim_end_matches('/').trim_start_matches("./") {
        "" | "." => String::new(),
        folder => format!("{folder}/"),
    }
}

fn folder_file(folder: &str) -> String {
    format!("{folder}Chart.yaml")
}

/// The edits of the values file.
fn values(place: &Place<'_>, helm: &Helm) -> Result<Steps, Refusal> {
    refuse_template(place)?;
    let mut sheet = Sheet::open(place.files, &place.values, helm.select.as_ref())?;
    let front = match &helm.subchart {
        Some(name) => vec![subcharts::key_of(place, &sheet, name)?],
        None => Vec::new(),
    };
    for (text, value) in &helm.set {
        let path = join(&front, &read_path(&place.values, text)?);
        subcharts::check(place, &sheet, &path)?;
        put(&mut sheet, &path, value.clone())?;
    }
    for text in &helm.remove {
        sheet.delete(&join(&front, &read_path(&place.values, text)?))?;
    }
    for image in &helm.images {
        let path = join(&front, &read_path(&place.values, &image.path)?);
        images::set(place, &mut sheet, image, &path)?;
    }
    sheet.add_edits(&helm.edits);
    Ok(sheet.steps())
}

/// Sets a value; the element right behind a list's last one is appended, as Helm does.
fn put(sheet: &mut Sheet, path: &[Step], value: Value) -> Result<(), Refusal> {
    if let Some((Step::Index(n), list)) = path.split_last()
        && let Some(Value::Array(items)) = sheet.read(list)?
        && items.len() == *n
    {
        return sheet.append(list, value);
    }
    sheet.put(path, value)
}

fn read_path(file: &str, text: &str) -> Result<Vec<Step>, Refusal> {
    paths::read(text).map_err(|reason| Refusal::of(Code::Parse, reason).in_file(file).at(text))
}

/// A file in a chart's `templates/` is no document, even if it happens to be one.
fn refuse_template(place: &Place<'_>) -> Result<(), Refusal> {
    for (at, _) in place.values.match_indices("templates/") {
        let folder = &place.values[..at];
        let whole = folder.is_empty() || folder.ends_with('/');
        if whole && place.has(&folder_file(folder)) {
            let reason = format!("the file is a template of the chart `{folder}`; change the chart's values instead");
            return Err(Refusal::of(Code::Template, reason).in_file(&place.values));
        }
    }
    Ok(())
}
