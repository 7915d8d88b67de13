//! Images in values files, in the shapes that charts usually give them.
//!
//! Must not guess: what another key would override, or no key is known for, is refused.

use super::Place;
use crate::domain::change::{ChartImage, Path, Step};
use crate::domain::edit::engines::sheet::{Sheet, join, key, keys};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Value, json};

/// Sets an image at a path, whatever shape it has.
pub(super) fn set(place: &Place<'_>, sheet: &mut Sheet, image: &ChartImage, path: &[Step]) -> Result<(), Refusal> {
    let refuse = |sheet: &Sheet, code, reason: &str| Err(sheet.refuse(code, reason).at(Path(path.to_vec())));
    match sheet.read(path)? {
        Some(Value::String(text)) => {
            if image.registry.is_some() {
                return refuse(sheet, Code::Parse, "the image is one text; write the registry into `repository`");
            }
            let Some(reference) = Reference::read(&text) else {
                return refuse(sheet, Code::Parse, "the text there is no image reference; use `set`");
            };
            sheet.put(path, json!(reference.with(image)))
        }
        Some(Value::Object(map)) if map.contains_key("repository") || map.contains_key("tag") => {
            Shape { place, path }.set(sheet, image)
        }
        Some(_) => refuse(
            sheet,
            Code::Parse,
            "there is no image of a known shape: a text, or a map with `repository` or `tag`",
        ),
        None => refuse(sheet, Code::NotFound, "there is no image at this path"),
    }
}

/// An image that is a map.
struct Shape<'a> {
    place: &'a Place<'a>,
    path: &'a [Step],
}

impl Shape<'_> {
    fn at(&self, name: &str) -> Vec<Step> {
        join(self.path, &[key(name)])
    }

    fn set(&self, sheet: &mut Sheet, image: &ChartImage) -> Result<(), Refusal> {
        self.check(sheet, image)?;
        let wanted = [
            ("registry", &image.registry),
            ("repository", &image.repository),
            ("tag", &image.tag),
            ("digest", &image.digest),
        ];
        for (name, value) in wanted {
            if let Some(value) = value {
                sheet.put(&self.at(name), json!(value))?;
            }
        }
        // A digest wins over a tag, so that the new tag would do nothing.
        let stale = image.tag.is_some() && image.digest.is_none() && self.holds_text(sheet, "digest")?;
        if stale { sheet.put(&self.at("digest"), json!("")) } else { Ok(()) }
    }

    /// Whether the values, or the chart's own where those say nothing, have a text that is not empty.
    fn holds_text(&self, sheet: &Sheet, name: &str) -> Result<bool, Refusal> {
        let filled = |value: Value| value.as_str().is_some_and(|text| !text.is_empty());
        match sheet.read(&self.at(name))? {
            Some(value) => Ok(filled(value)),
            None => Ok(self.default(&self.at(name))?.is_some_and(filled)),
        }
    }

    /// What the chart's own values say.
    fn default(&self, path: &[Step]) -> Result<Option<Value>, Refusal> {
        match self.place.chart_file("values.yaml") {
            Some(file) if self.place.values != file && self.place.has(&file) => {
                Sheet::open(self.place.files, &file, None)?.read(path)
            }
            Some(_) | None => Ok(None),
        }
    }

    fn check(&self, sheet: &Sheet, image: &ChartImage) -> Result<(), Refusal> {
        let refuse = |code, reason: String| Err(sheet.refuse(code, reason).at(Path(self.path.to_vec())));
        let known = |name: &str| {
            Ok::<_, Refusal>(sheet.read(&self.at(name))?.is_some() || self.default(&self.at(name))?.is_some())
        };
        for (name, asked) in [("registry", &image.registry), ("digest", &image.digest)] {
            if asked.is_some() && !known(name)? {
                return refuse(
                    Code::NotFound,
                    format!("neither these values nor the chart's own have the key `{name}`"),
                );
            }
        }
        let host = image.repository.as_deref().and_then(|name| name.split_once('/')).map(|(host, _)| host);
        let hosted = host.is_some_and(|host| host.contains(['.', ':']) || host == "localhost");
        if hosted && self.holds_text(sheet, "registry")? {
            return refuse(Code::Ambiguous, "the registry has a key of its own; give it as `registry`".to_owned());
        }
        let global = keys(&["global", "imageRegistry"]);
        let overridden = sheet.read(&global)?.or(self.default(&global)?);
        if (hosted || image.registry.is_some())
            && overridden.is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        {
            return refuse(Code::Ambiguous, "`global.imageRegistry` would win over the registry; set that".to_owned());
        }
        Ok(())
    }
}

/// An image in one text: `host:5000/name:tag@sha256:...`.
#[derive(Debug, PartialEq)]
struct Reference<'t> {
    name: &'t str,
    tag: Option<&'t str>,
    digest: Option<&'t str>,
}

impl<'t> Reference<'t> {
    fn read(text: &'t str) -> Option<Reference<'t>> {
        let (front, digest) = text.split_once('@').map_or((text, None), |(front, digest)| (front, Some(digest)));
        let last = front.rfind('/').map_or(0, |at| at + 1);
        let colon = front[last..].find(':').map(|at| at + last);
        let (name, tag) = colon.map_or((front, None), |at| (&front[..at], Some(&front[at + 1..])));
        let clean =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c));
        let whole = clean(name) && tag.is_none_or(clean) && digest.is_none_or(clean);
        whole.then_some(Reference { name, tag, digest })
    }

    /// The text with what is wanted in its place; a lone tag takes the place of a digest, and the other way round.
    fn with(&self, image: &ChartImage) -> String {
        let lone = image.tag.is_some() != image.digest.is_some();
        let tag = image.tag.as_deref().or(if lone { None } else { self.tag });
        let digest = image.digest.as_deref().or(if lone { None } else { self.digest });
        let mut text = image.repository.as_deref().unwrap_or(self.name).to_owned();
        text.extend(tag.map(|tag| format!(":{tag}")));
        text.extend(digest.map(|digest| format!("@{digest}")));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart_and_put_together() {
        let image = |repository: &str, tag: &str, digest: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            ChartImage { repository: some(repository), tag: some(tag), digest: some(digest), ..ChartImage::default() }
        };
        let cases = [
            ("web:1", image("", "2", ""), "web:2"),
            ("web", image("", "2", ""), "web:2"),
            ("host:5000/a/web:1", image("", "2", ""), "host:5000/a/web:2"),
            ("host:5000/a/web", image("", "2", ""), "host:5000/a/web:2"),
            ("web:1@sha256:aa", image("", "2", ""), "web:2"),
            ("web:1", image("", "", "sha256:bb"), "web@sha256:bb"),
            ("web:1", image("", "2", "sha256:bb"), "web:2@sha256:bb"),
            ("web:1@sha256:aa", image("b/web", "", ""), "b/web:1@sha256:aa"),
        ];
        for (before, image, after) in cases {
            assert_eq!(Reference::read(before).expect(before).with(&image), after);
        }
        for text in ["", "web:", "{{ x }}", "a b", "@sha256:aa", "web@", ":1"] {
            assert_eq!(Reference::read(text), None, "{text}");
        }
    }
}
