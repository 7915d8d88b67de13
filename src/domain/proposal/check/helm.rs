//! The limits of the Helm engine's words.
//!
//! Must not look at anything but the words.

use super::{demand, image_digest, image_tag, most, optional, text};
use crate::domain::canon::Malformed;
use crate::domain::change::{ChartImage, Helm};

/// Judges the words of a change.
pub(super) fn check(change: &Helm, at: &str) -> Result<(), Malformed> {
    demand(change.values.is_some() || change.chart.is_some(), at, "give `values`, `chart` or both")?;
    optional(change.values.as_deref(), &format!("{at}.values"), 512)?;
    optional(change.chart.as_deref(), &format!("{at}.chart"), 512)?;
    optional(change.subchart.as_deref(), &format!("{at}.subchart"), 253)?;
    most(change.set.len(), &format!("{at}.set"))?;
    change.set.keys().try_for_each(|path| text(path, &format!("{at}.set"), 1024))?;
    most(change.remove.len(), &format!("{at}.remove"))?;
    change.remove.iter().try_for_each(|path| text(path, &format!("{at}.remove"), 1024))?;
    most(change.images.len(), &format!("{at}.images"))?;
    for (n, found) in change.images.iter().enumerate() {
        image(found, &format!("{at}.images[{n}]"))?;
    }
    optional(change.version.as_deref(), &format!("{at}.version"), 128)?;
    optional(change.app_version.as_deref(), &format!("{at}.appVersion"), 128)?;
    most(change.dependencies.len(), &format!("{at}.dependencies"))?;
    for (n, dependency) in change.dependencies.iter().enumerate() {
        let at = format!("{at}.dependencies[{n}]");
        text(&dependency.name, &format!("{at}.name"), 253)?;
        text(&dependency.version, &format!("{at}.version"), 128)?;
        optional(dependency.repository.as_deref(), &format!("{at}.repository"), 512)?;
    }
    let words = change.select.is_some() || change.subchart.is_some();
    demand(change.is_of_values() || !words, at, "`select` and `subchart` are about values, and none are given")
}

fn image(image: &ChartImage, at: &str) -> Result<(), Malformed> {
    text(&image.path, &format!("{at}.path"), 512)?;
    optional(image.registry.as_deref(), &format!("{at}.registry"), 253)?;
    optional(image.repository.as_deref(), &format!("{at}.repository"), 512)?;
    image_tag(image.tag.as_deref(), &format!("{at}.tag"))?;
    image_digest(image.digest.as_deref(), &format!("{at}.digest"))?;
    let asks = [&image.registry, &image.repository, &image.tag, &image.digest].iter().any(|field| field.is_some());
    demand(asks, at, "asks for nothing: give `repository`, `tag`, `digest` or `registry`")
}
