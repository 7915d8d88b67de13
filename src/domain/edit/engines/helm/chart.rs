//! `Chart.yaml`: versions of the chart and of its dependencies.
//!
//! Must not leave a lock file behind that says something else, unless that is asked for.

use super::listing::Listing;
use super::{Place, lock};
use crate::domain::change::{Helm, Lock};
use crate::domain::edit::engines::Steps;
use crate::domain::edit::engines::sheet::{Sheet, key};
use crate::domain::edit::{Code, Refusal};
use serde_json::json;

/// Sets what is asked of the chart.
pub(super) fn set(place: &Place<'_>, helm: &Helm) -> Result<Vec<Steps>, Refusal> {
    let missing = || Refusal::of(Code::NotFound, "there is no Chart.yaml here").in_file(&place.values);
    let mut chart = Sheet::open(place.files, &place.chart_file("Chart.yaml").ok_or_else(missing)?, None)?;
    for (field, value) in [("version", &helm.version), ("appVersion", &helm.app_version)] {
        if let Some(value) = value {
            chart.put(&[key(field)], json!(value))?;
        }
    }
    let mut steps = Vec::new();
    if !chart.is_clean() {
        steps.push(chart.steps());
    }
    if !helm.dependencies.is_empty() {
        steps.extend(set_dependencies(place, helm)?);
    }
    Ok(steps)
}

fn set_dependencies(place: &Place<'_>, helm: &Helm) -> Result<Vec<Steps>, Refusal> {
    let missing = || Refusal::of(Code::NotFound, "the chart lists no dependencies").in_file(&place.values);
    let mut listing = Listing::find(place)?.ok_or_else(missing)?;
    let before = listing.entries.clone();
    let mut bumps = Vec::new();
    for wanted in &helm.dependencies {
        let n = listing.pick(&wanted.name)?;
        if listing.set(n, wanted)? {
            bumps.push(n);
        }
    }
    let locked = match helm.lock.unwrap_or(Lock::Update) {
        Lock::Update if !bumps.is_empty() => lock::follow(place, &listing, &before, &bumps)?,
        Lock::Update | Lock::Keep => None,
    };
    let own = if listing.sheet.is_clean() { None } else { Some(listing.sheet.steps()) };
    Ok(own.into_iter().chain(locked).collect())
}
