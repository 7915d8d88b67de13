//! The limits of the Kustomize engine's words.
//!
//! Must not look at anything but the words.

use super::{demand, image_digest, image_tag, most, optional, text};
use crate::domain::canon::Malformed;
use crate::domain::change::{Generator, Image, JsonOp, JsonOpKind, Kustomize, Listed, Pairs, Patch};

/// Judges the words of a change.
pub(super) fn check(change: &Kustomize, at: &str) -> Result<(), Malformed> {
    demand(change.file.is_some() != change.directory.is_some(), at, "give either `directory` or `file`")?;
    each(&change.images, at, "images", image)?;
    each(&change.replicas, at, "replicas", |replicas, at| text(&replicas.name, &format!("{at}.name"), 253))?;
    each(&change.patches, at, "patches", patch)?;
    listed(&change.resources, &format!("{at}.resources"))?;
    listed(&change.components, &format!("{at}.components"))?;
    each(&change.config_map_generator, at, "configMapGenerator", generator)?;
    each(&change.helm_charts, at, "helmCharts", |chart, at| {
        text(&chart.name, &format!("{at}.name"), 253)?;
        optional(chart.release_name.as_deref(), &format!("{at}.releaseName"), 253)?;
        text(&chart.version, &format!("{at}.version"), 128)
    })?;
    if let Some(namespace) = &change.namespace {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let label = (1..=63).contains(&namespace.len())
            && namespace.bytes().all(inner)
            && !namespace.starts_with('-')
            && !namespace.ends_with('-');
        demand(label, &format!("{at}.namespace"), "use 1 to 63 of a-z 0-9 - as Kubernetes does")?;
    }
    pairs(&change.labels, &format!("{at}.labels"))?;
    pairs(&change.common_annotations, &format!("{at}.commonAnnotations"))
}

fn each<T>(
    items: &[T],
    at: &str,
    name: &str,
    check: impl Fn(&T, &str) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    most(items.len(), &format!("{at}.{name}"))?;
    items.iter().enumerate().try_for_each(|(n, item)| check(item, &format!("{at}.{name}[{n}]")))
}

fn image(image: &Image, at: &str) -> Result<(), Malformed> {
    text(&image.name, &format!("{at}.name"), 512)?;
    optional(image.new_name.as_deref(), &format!("{at}.newName"), 512)?;
    image_tag(image.new_tag.as_deref(), &format!("{at}.newTag"))?;
    image_digest(image.digest.as_deref(), &format!("{at}.digest"))?;
    optional(image.tag_suffix.as_deref(), &format!("{at}.tagSuffix"), 128)?;
    let tag = image.new_tag.is_some() || image.digest.is_some();
    demand(!(tag && image.tag_suffix.is_some()), at, "`tagSuffix` does nothing beside `newTag` or `digest`")?;
    demand(
        tag || image.new_name.is_some() || image.tag_suffix.is_some(),
        at,
        "give at least one of `newName`, `newTag`, `digest`, `tagSuffix`",
    )
}

fn patch(patch: &Patch, at: &str) -> Result<(), Malformed> {
    for (field, value) in patch.target.fields() {
        optional(value, &format!("{at}.target.{field}"), 512)?;
    }
    optional(patch.path.as_deref(), &format!("{at}.path"), 512)?;
    demand(!patch.target.is_empty() || patch.path.is_some(), at, "give a `target`, or the `path` of a patch file")?;
    let asks = !patch.set.is_empty() || !patch.remove.is_empty() || !patch.json_patch.is_empty();
    demand(asks || patch.path.is_some(), at, "asks for nothing: give `set`, `remove` or `jsonPatch`")?;
    most(patch.set.len(), &format!("{at}.set"))?;
    patch.set.keys().chain(&patch.remove).try_for_each(|path| text(path, &format!("{at}.set"), 1024))?;
    each(&patch.remove, at, "remove", |path, at| text(path, at, 1024))?;
    each(&patch.json_patch, at, "jsonPatch", operation)
}

fn operation(op: &JsonOp, at: &str) -> Result<(), Malformed> {
    let pointer = |pointer: &str, field: &str| {
        let at = format!("{at}.{field}");
        demand(pointer.starts_with('/'), &at, "a JSON pointer begins with `/`")?;
        text(pointer, &at, 1024)
    };
    pointer(&op.path, "path")?;
    op.from.as_deref().map_or(Ok(()), |from| pointer(from, "from"))?;
    let (value, from) = match op.op {
        JsonOpKind::Add | JsonOpKind::Replace | JsonOpKind::Test => (true, false),
        JsonOpKind::Remove => (false, false),
        JsonOpKind::Copy | JsonOpKind::Move => (false, true),
    };
    demand(op.value.is_some() == value, at, "`add`, `replace` and `test` take a value, the others none")?;
    demand(op.from.is_some() == from, at, "`copy` and `move` say `from`, the others do not")
}

fn listed(listed: &Listed, at: &str) -> Result<(), Malformed> {
    each(&listed.add, at, "add", |entry, at| text(entry, at, 512))?;
    each(&listed.remove, at, "remove", |entry, at| text(entry, at, 512))
}

fn pairs(pairs: &Pairs, at: &str) -> Result<(), Malformed> {
    most(pairs.set.len(), at)?;
    for (name, value) in &pairs.set {
        text(name, &format!("{at}.set"), 317)?;
        demand(value.len() <= 4096, &format!("{at}.set.{name}"), "at most 4096 bytes")?;
    }
    each(&pairs.remove, at, "remove", |name, at| text(name, at, 317))
}

fn generator(generator: &Generator, at: &str) -> Result<(), Malformed> {
    text(&generator.name, &format!("{at}.name"), 253)?;
    optional(generator.namespace.as_deref(), &format!("{at}.namespace"), 63)?;
    demand(
        !generator.literals.is_empty() || !generator.remove.is_empty(),
        at,
        "asks for nothing: give `literals` or `remove`",
    )?;
    each(&generator.literals, at, "literals", |literal, at| {
        demand(literal.split_once('=').is_some_and(|(name, _)| !name.is_empty()), at, "write KEY=value")?;
        text(literal, at, 4096)
    })?;
    each(&generator.remove, at, "remove", |name, at| text(name, at, 253))
}
