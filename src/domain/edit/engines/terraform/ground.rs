//! Finds the file and the block that a change is about.
//!
//! Must not choose between two: where several fit, the refusal lists them.

use super::Format;
use crate::domain::change::{Path, Select, SelectBlock, Step, Terraform};
use crate::domain::edit::engines::need;
use crate::domain::edit::hcl::{self, Outline};
use crate::domain::edit::{Code, Files, Refusal, paths, yaml};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most files below a directory, the most of its own that are looked at, and their bytes together.
const LISTED: usize = 50_000;
const FILES: usize = 500;
const BYTES: usize = 8 << 20;

/// Where a change happens.
pub(super) struct Ground {
    /// The file or directory, for people.
    name: String,
    sites: Vec<Site>,
}

/// A file, or a block in it.
struct Site {
    file: String,
    bytes: Vec<u8>,
    json: bool,
    /// How a selection or an address says it.
    block: Option<SelectBlock>,
    /// The block's outline, and the steps that lead to it where its labels alone do not.
    found: Option<(Outline, Vec<Step>)>,
}

/// The place that a path begins at.
pub(super) struct Spot<'a> {
    pub(super) file: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) format: Format,
    pub(super) select: Option<Select>,
    /// The block's type; none at the top of a file.
    pub(super) kind: Option<&'a str>,
    prefix: Vec<Step>,
}

/// A block's address as it was written.
struct Address {
    text: String,
    block: SelectBlock,
    alias: Option<String>,
}

impl Ground {
    /// Looks for what a change names.
    pub(super) fn open(files: &dyn Files, change: &Terraform) -> Result<Ground, Refusal> {
        let name = change.file.as_deref().or(change.directory.as_deref()).unwrap_or_default();
        let place = |refusal: Refusal| refusal.in_file(name);
        let address = Address::of(change).map_err(place)?;
        let sites = match (&change.file, &change.directory) {
            (Some(file), None) => in_file(file, need(files, file)?, address.as_ref()).map_err(place)?,
            (None, Some(directory)) => {
                let missing = || place(Refusal::of(Code::Parse, "a `directory` needs a `block` to be looked for"));
                in_directory(files, directory, &address.ok_or_else(missing)?)?
            }
            _ => return Err(place(Refusal::of(Code::Parse, "give either `file` or `directory`"))),
        };
        Ok(Ground { name: name.to_owned(), sites })
    }

    /// The file or directory, for people.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The place that a path begins at; of the blocks that a module may have several of, the one with the path's key.
    pub(super) fn spot(&self, path: &Path) -> Result<Spot<'_>, Refusal> {
        let has_key = |site: &&Site| match (&site.found, path.0.first()) {
            (Some((outline, _)), Some(Step::Key(key))) => outline.names.contains(key),
            _ => false,
        };
        let fitting: Vec<&Site> = match self.sites.as_slice() {
            [site] => vec![site],
            sites => sites.iter().filter(has_key).collect(),
        };
        if let [site] = fitting.as_slice() {
            return Ok(site.spot());
        }
        let place = |site: &Site| {
            let line = site.found.as_ref().map_or(String::new(), |(outline, _)| format!(" line {}", outline.line));
            format!("{}{line}", site.file)
        };
        let places: Vec<String> = self.sites.iter().take(12).map(place).collect();
        let reason = format!("the block is there {} times: {}", self.sites.len(), places.join(", "));
        Err(Refusal::of(Code::Ambiguous, reason).in_file(&self.name).at(path))
    }
}

impl Site {
    fn spot(&self) -> Spot<'_> {
        let labels = || self.block.iter().flat_map(|block| std::iter::once(&block.block).chain(&block.labels));
        let prefix = match &self.found {
            _ if self.json => labels().cloned().map(Step::Key).collect(),
            Some((_, steps)) => steps.clone(),
            None => Vec::new(),
        };
        let select = self.block.clone().filter(|_| prefix.is_empty()).map(Select::Block);
        Spot {
            file: &self.file,
            bytes: &self.bytes,
            format: if self.json { Format::Yaml } else { Format::Hcl },
            select,
            kind: self.block.as_ref().map(|block| block.block.as_str()),
            prefix,
        }
    }
}

impl Spot<'_> {
    /// A path below this place, as one that begins where the file's edits do.
    pub(super) fn full(&self, path: &Path) -> Path {
        Path(self.prefix.iter().chain(&path.0).cloned().collect())
    }

    /// Names the file in a refusal.
    pub(super) fn blame(&self, refusal: Refusal) -> Refusal {
        refusal.in_file(self.file)
    }

    /// The text of a literal string right below this place.
    pub(super) fn literal(&self, key: &str) -> Result<Option<String>, Refusal> {
        let path = self.full(&Path(vec![Step::Key(key.to_owned())]));
        let found = match self.format {
            Format::Hcl => hcl::literal(self.bytes, self.select.as_ref(), &path),
            Format::Yaml => yaml::lookup(self.bytes, None, &path).map(|value| value?.as_str().map(str::to_owned)),
        };
        found.map_err(|refusal| self.blame(refusal))
    }
}

impl Address {
    /// Reads what the change says; none where it names no block.
    fn of(change: &Terraform) -> Result<Option<Address>, Refusal> {
        match (&change.block, &change.select) {
            (Some(_), Some(_)) => Err(Refusal::of(Code::Parse, "give either `block` or `select`")),
            (Some(text), None) => Address::read(text).map(Some),
            (None, Some(Select::Block(block))) => {
                let text = std::iter::once(&block.block).chain(&block.labels).cloned().collect::<Vec<_>>().join(".");
                Ok(Some(Address { text, block: block.clone(), alias: None }))
            }
            (None, Some(Select::Index(_) | Select::Object(_))) => {
                Err(Refusal::of(Code::Parse, "a block of an HCL file is selected by `block` and `labels`"))
            }
            (None, None) => Ok(None),
        }
    }

    fn read(text: &str) -> Result<Address, Refusal> {
        let (plain, alias) = match text.split('.').collect::<Vec<_>>().as_slice() {
            ["provider", name, alias] => (format!("provider.{name}"), Some((*alias).to_owned())),
            _ => (text.to_owned(), None),
        };
        Ok(Address { text: text.to_owned(), block: hcl::address(&plain)?, alias })
    }

    /// Whether a block is the one meant, or one of those that are.
    fn fits(&self, outline: &Outline) -> bool {
        let same = outline.kind == self.block.block && outline.labels == self.block.labels;
        same && (self.block.block != "provider" || outline.alias == self.alias)
    }

    /// The keys that lead to the block in the JSON form.
    fn steps(&self) -> Path {
        Path(std::iter::once(&self.block.block).chain(&self.block.labels).cloned().map(Step::Key).collect())
    }

    /// Whether a text may hold the block at all.
    fn may_be_in(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        std::iter::once(&self.block.block).chain(&self.block.labels).all(|word| text.contains(word.as_str()))
    }
}

fn in_file(file: &str, bytes: Vec<u8>, address: Option<&Address>) -> Result<Vec<Site>, Refusal> {
    let json = file.ends_with(".json");
    let Some(address) = address else {
        return Ok(vec![Site { file: file.to_owned(), bytes, json, block: None, found: None }]);
    };
    let (sites, near) = sites(file, &bytes, address)?;
    if sites.is_empty() {
        let others = if near.is_empty() { String::new() } else { format!("; there are {}", near.join(", ")) };
        let reason = format!("the file has no block `{}`{others}", address.text);
        return Err(Refusal::of(Code::NotFound, reason).at(&address.text));
    }
    only_parts(sites, address)
}

/// The blocks of a file that are meant, and the names of others of their type.
fn sites(file: &str, bytes: &[u8], address: &Address) -> Result<(Vec<Site>, Vec<String>), Refusal> {
    let site = |found| Site {
        file: file.to_owned(),
        bytes: bytes.to_vec(),
        json: file.ends_with(".json"),
        block: Some(address.block.clone()),
        found,
    };
    if file.ends_with(".json") {
        let there = yaml::lookup(bytes, None, &address.steps())?.is_some();
        return Ok((if there { vec![site(None)] } else { Vec::new() }, Vec::new()));
    }
    let outlines = hcl::outline(bytes)?;
    let kind: Vec<&Outline> = outlines.iter().filter(|outline| outline.kind == address.block.block).collect();
    let twins = kind.iter().filter(|outline| outline.labels == address.block.labels).count();
    let lead = |at: usize, outline: &Outline| if twins > 1 { steps_to(at, outline, &kind) } else { Vec::new() };
    let hits = kind.iter().enumerate().filter(|(_, outline)| address.fits(outline));
    let found = hits.map(|(at, outline)| site(Some(((*outline).clone(), lead(at, outline))))).collect();
    let near = kind.iter().take(12).map(|outline| outline_name(outline)).collect();
    Ok((found, near))
}

/// The steps that tell a block from others with its labels: by alias, else by its number.
fn steps_to(at: usize, outline: &Outline, kind: &[&Outline]) -> Vec<Step> {
    let same = |other: &&&Outline| other.labels == outline.labels && other.alias == outline.alias;
    let step = match &outline.alias {
        Some(alias) if kind.iter().filter(same).count() == 1 => Step::Match(BTreeMap::from([
            ("alias".to_owned(), json!(alias)),
            ("labels".to_owned(), Value::from(outline.labels.clone())),
        ])),
        _ => Step::Index(at),
    };
    vec![Step::Key(outline.kind.clone()), step]
}

fn outline_name(outline: &Outline) -> String {
    let alias = outline.alias.iter().cloned();
    let name: Vec<String> = std::iter::once(outline.kind.clone()).chain(outline.labels.clone()).chain(alias).collect();
    format!("`{}`", name.join("."))
}

/// Several blocks are meant only where Terraform reads them as parts of one.
fn only_parts(sites: Vec<Site>, address: &Address) -> Result<Vec<Site>, Refusal> {
    if sites.len() < 2 || matches!(address.block.block.as_str(), "locals" | "terraform") {
        return Ok(sites);
    }
    let place = |site: &Site| match &site.found {
        Some((outline, _)) => format!("{} line {}", site.file, outline.line),
        None => site.file.clone(),
    };
    let places: Vec<String> = sites.iter().take(12).map(place).collect();
    let reason = format!("`{}` is there more than once: {}", address.text, places.join(", "));
    Err(Refusal::of(Code::Ambiguous, reason).at(&address.text))
}

/// The blocks in a directory's own `.tf` and `.tf.json` files; Terraform reads no deeper.
fn in_directory(files: &dyn Files, directory: &str, address: &Address) -> Result<Vec<Site>, Refusal> {
    let place = |refusal: Refusal| refusal.in_file(directory);
    let folder = directory.trim_end_matches('/');
    let prefix = if matches!(folder, "" | ".") { String::new() } else { format!("{folder}/") };
    if !prefix.is_empty() {
        paths::check(folder)?;
    }
    let below = files.list(prefix.trim_end_matches('/'), LISTED).map_err(place)?;
    let is_read = |path: &&String| {
        let name = path.strip_prefix(&prefix).unwrap_or(path);
        (name.ends_with(".tf") || name.ends_with(".tf.json")) && !name.contains('/') && !name.starts_with(['.', '#'])
    };
    let names: Vec<&String> = below.iter().filter(is_read).collect();
    let (mut found, mut size) = (Vec::new(), 0);
    for file in names.iter().copied() {
        let bytes = need(files, file)?;
        size += bytes.len();
        if names.len() > FILES || size > BYTES {
            let reason =
                format!("the directory has more than {FILES} files or {} MiB to search; name the file", BYTES >> 20);
            return Err(place(Refusal::of(Code::TooLarge, reason)));
        }
        if address.may_be_in(&bytes) {
            found.extend(sites(file, &bytes, address).map_err(|refusal| refusal.in_file(file))?.0);
        }
    }
    if found.is_empty() {
        let reason = format!("none of the {} Terraform files here has a block `{}`", names.len(), address.text);
        return Err(place(Refusal::of(Code::NotFound, reason).at(&address.text)));
    }
    only_parts(found, address).map_err(place)
}
