//! The keys under which Helm looks for the values of a chart's dependencies.
//!
//! Must not guess: a name that several dependencies have is ambiguous.

use super::Place;
use super::listing::Listing;
use crate::domain::change::Step;
use crate::domain::edit::engines::sheet::Sheet;
use crate::domain::edit::{Code, Refusal};

/// The key of a dependency's values: its alias, or else its name.
pub(super) fn key_of(place: &Place<'_>, sheet: &Sheet, name: &str) -> Result<Step, Refusal> {
    let Some(listing) = Listing::find(place)? else {
        let reason = format!("no Chart.yaml stands beside the values, so `{name}` cannot be found; say `chart`");
        return Err(sheet.refuse(Code::NotFound, reason));
    };
    let n = listing.pick(name)?;
    Ok(Step::Key(listing.key(n)))
}

/// Refuses a new root key that Helm would not read, because the dependency of that name has an alias.
pub(super) fn check(place: &Place<'_>, sheet: &Sheet, path: &[Step]) -> Result<(), Refusal> {
    let Some(Step::Key(first)) = path.first() else { return Ok(()) };
    if sheet.read(&path[..1])?.is_some() || sheet.file().ends_with("Chart.yaml") {
        return Ok(());
    }
    let Some(listing) = Listing::find(place)? else { return Ok(()) };
    let keys: Vec<String> = listing.named(first).map(|n| listing.key(n)).collect();
    if keys.is_empty() || (0..listing.len()).any(|n| listing.key(n) == *first) {
        return Ok(());
    }
    let reason =
        format!("Helm reads the values of the dependency `{first}` under `{}`; write that", keys.join("` or `"));
    Err(sheet.refuse(Code::NotFound, reason).at(first))
}
