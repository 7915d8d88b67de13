//! How much of what a commit changed still stands in a file: judged by its values alone.
//!
//! Must not read messages or history, nor guess: what cannot be compared is unknown.

use super::super::Format;
use super::super::exact::same;
use super::differences::{COMMENTS, names};
use super::{Called, find, format, object};
use crate::domain::edit::{LandedFile, hcl, yaml};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The places that a commit changed, by what stands there now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// They hold what the commit put there.
    pub stands: u64,
    /// They hold what stood there before the commit.
    pub back: u64,
    /// They hold something else.
    pub changed: u64,
    /// What they hold cannot be told: the file or the document is not there, or cannot be read.
    pub unknown: u64,
}

impl Remains {
    /// Nothing can be told of it.
    pub const UNKNOWN: Remains = Remains { stands: 0, back: 0, changed: 0, unknown: 1 };

    /// What remains of one file's change, now that it holds this; none if it is not there.
    pub fn of(file: &LandedFile, now: Option<&[u8]>) -> Remains {
        match (&file.before, &file.after, now) {
            (Some(before), Some(after), Some(now)) => values(&file.path, [before, after, now]),
            (_, after, now) if now == after.as_deref() => Remains { stands: 1, ..Remains::default() },
            (before, _, now) if now == before.as_deref() => Remains { back: 1, ..Remains::default() },
            (Some(_), Some(_), None) => Remains::UNKNOWN,
            (None, _, Some(_)) | (_, None, Some(_)) => Remains { changed: 1, ..Remains::default() },
            (None, None, None) | (None, Some(_), None) | (Some(_), None, None) => Remains::UNKNOWN,
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Remains) -> Remains {
        Remains {
            stands: self.stands + other.stands,
            back: self.back + other.back,
            changed: self.changed + other.changed,
            unknown: self.unknown + other.unknown,
        }
    }

    /// How many places there are.
    pub fn places(&self) -> u64 {
        self.stands + self.back + self.changed + self.unknown
    }

    /// Whether the change was taken back, in whole or in part.
    pub fn is_back(&self) -> bool {
        self.back > 0
    }

    fn place(&mut self, [old, left, now]: [Option<&Value>; 3]) {
        let equal = |a: Option<&Value>, b: Option<&Value>| match (a, b) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        if equal(old, left) {
            return;
        }
        if equal(now, left) {
            self.stands += 1;
        } else if equal(now, old) {
            self.back += 1;
        } else if !self.maps([old, left, now]) && !self.lists([old, left, now]) {
            self.changed += 1;
        }
    }

    /// Compares maps key by key; a place that is not there is an empty one.
    // Recursion is bounded: the reader refuses documents that are nested too deep.
    fn maps(&mut self, values: [Option<&Value>; 3]) -> bool {
        let none = Map::new();
        let [Some(old), Some(left), Some(now)] = values.map(|value| match value {
            None => Some(&none),
            Some(value) => value.as_object(),
        }) else {
            return false;
        };
        let keys: BTreeSet<&String> = old.keys().chain(left.keys()).collect();
        keys.into_iter().for_each(|key| self.place([old.get(key), left.get(key), now.get(key)]));
        true
    }

    /// Compares lists by the names of their elements, or one by one where all have as many.
    fn lists(&mut self, values: [Option<&Value>; 3]) -> bool {
        let [Some(old), Some(left), Some(now)] = values.map(|value| match value {
            None => Some([].as_slice()),
            Some(value) => value.as_array().map(Vec::as_slice),
        }) else {
            return false;
        };
        if [old, left, now].iter().all(|list| list.is_empty() || names(list).is_some()) {
            let new = left.iter().filter(|value| find(old, &value["name"]).is_none());
            for name in old.iter().chain(new).map(|value| &value["name"]) {
                self.place([find(old, name), find(left, name), find(now, name)]);
            }
            return true;
        }
        let level = old.len() == left.len() && left.len() == now.len();
        if level {
            (0..old.len()).for_each(|n| self.place([old.get(n), left.get(n), now.get(n)]));
        }
        level
    }
}

/// What remains, value by value.
fn values(path: &str, versions: [&[u8]; 3]) -> Remains {
    let [before, after, now] = versions;
    let found = match format(path) {
        Ok(Format::Yaml) => documents(versions),
        Ok(Format::Hcl) => leaves(versions),
        Err(_) => None,
    };
    match found {
        Some(found) if found.places() > 0 => found,
        // No value differs, or none can be read: the bytes alone can tell.
        Some(_) | None if now == after => Remains { stands: 1, ..Remains::default() },
        Some(_) | None if now == before => Remains { back: 1, ..Remains::default() },
        Some(_) | None => Remains::UNKNOWN,
    }
}

fn documents([before, after, now]: [&[u8]; 3]) -> Option<Remains> {
    let read = |bytes| yaml::values(bytes).ok();
    let (before, after, now) = (read(before)?, read(after)?, read(now)?);
    let lists = [&before, &after, &now].map(Vec::as_slice);
    let named = lists.map(by_name);
    let [old, left, here] = match named {
        [Some(old), Some(left), Some(here)] => [old, left, here],
        _ if after.len() == now.len() => lists.map(by_number),
        _ => return Some(Remains::UNKNOWN),
    };
    let mut found = Remains::default();
    let keys: BTreeSet<&Key> = old.keys().chain(left.keys()).collect();
    for key in keys {
        let (old, left, now) = (old.get(key).copied(), left.get(key).copied(), here.get(key).copied());
        match now {
            // The object may stand in another file now.
            None if old.is_some() && left.is_some() && old != left => found.unknown += 1,
            _ => found.place([old, left, now]),
        }
    }
    Some(found)
}

/// What tells the documents of a file apart: what they are about, or their number.
type Key = (Option<Called>, usize);

/// The documents by the objects that they describe, if each describes another one.
fn by_name(documents: &[Value]) -> Option<BTreeMap<Key, &Value>> {
    let named: BTreeMap<Key, &Value> =
        documents.iter().filter_map(|document| Some(((Some(object(document)?), 0), document))).collect();
    (named.len() == documents.len()).then_some(named)
}

fn by_number(documents: &[Value]) -> BTreeMap<Key, &Value> {
    documents.iter().enumerate().map(|(n, document)| ((None, n), document)).collect()
}

fn leaves([before, after, now]: [&[u8]; 3]) -> Option<Remains> {
    let read = |bytes| {
        let mut leaves = hcl::leaves(bytes).ok()?;
        leaves.remove(COMMENTS);
        Some(leaves)
    };
    let (before, after, now) = (read(before)?, read(after)?, read(now)?);
    let mut found = Remains::default();
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for (old, left, now) in keys.into_iter().map(|key| (before.get(key), after.get(key), now.get(key))) {
        match () {
            () if old == left => {}
            () if now == left => found.stands += 1,
            () if now == old => found.back += 1,
            () => found.changed += 1,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remains(path: &str, before: &str, after: &str, now: &str) -> [u64; 4] {
        let bytes = |text: &str| Some(text.as_bytes().to_vec());
        let file = LandedFile { path: path.into(), before: bytes(before), after: bytes(after) };
        let Remains { stands, back, changed, unknown } = Remains::of(&file, Some(now.as_bytes()));
        [stands, back, changed, unknown]
    }

    const STANDS: [u64; 4] = [1, 0, 0, 0];
    const BACK: [u64; 4] = [0, 1, 0, 0];
    const CHANGED: [u64; 4] = [0, 0, 1, 0];
    const UNKNOWN: [u64; 4] = [0, 0, 0, 1];

    #[test]
    fn a_value_stands_is_back_or_is_another() {
        for (now, wanted) in [
            ("a: 2\nb: 1\n", STANDS),
            ("# why\nb: 7\na:   2.0\n", STANDS),
            ("a: 1\nb: 1\n", BACK),
            ("a: 0x1\n", BACK),
            ("a: 3\nb: 1\n", CHANGED),
            ("b: 1\n", CHANGED),
            ("a: [\n", UNKNOWN),
            ("a: 2\nb: 1\n---\na: 1\n", UNKNOWN),
        ] {
            assert_eq!(remains("a.yaml", "a: 1\nb: 1\n", "a: 2\nb: 1\n", now), wanted, "{now}");
        }
        assert_eq!(remains("a.yaml", "a: 1\n", "a: 1\nb: {c: 1, d: 2}\n", "a: 1\n"), BACK, "an added map is gone");
        assert_eq!(
            remains("a.yaml", "a: 1\n", "a: 1\nb: {c: 1, d: 2}\n", "a: 1\nb: {c: 1}\n"),
            [1, 1, 0, 0],
            "half of it"
        );
        assert_eq!(
            remains("a.yaml", "a: {b: 1}\n", "c: 2\n", "c: 2\na: {b: 1}\n"),
            [1, 1, 0, 0],
            "what was removed is back"
        );
    }

    #[test]
    fn elements_are_compared_by_name_or_where_all_have_as_many() {
        let list = |web: u64, more: &str| format!("replicas:\n- {{name: web, count: {web}}}\n{more}");
        let other = "- {name: api, count: 2}\n";
        let moved = format!("replicas:\n{other}- {{name: web, count: 2}}\n");
        assert_eq!(remains("k.yaml", &list(2, ""), &list(3, ""), &moved), BACK, "another one stands before it");
        assert_eq!(remains("k.yaml", &list(2, ""), &list(3, ""), &list(3, other)), STANDS);
        let added = |n: u64, more: &str| format!("a: 1\n{}", list(n, more));
        let grown = remains("k.yaml", "a: 1\n", &added(3, ""), &added(4, other));
        assert_eq!(grown, [1, 0, 1, 0], "an added element: its name stands, its count is another");
        let args = |list: &str| format!("args: [{list}]\n");
        let (before, after) = (args("a, b, c"), args("a, x, c"));
        assert_eq!(remains("a.yaml", &before, &after, &args("a, b, c")), BACK);
        assert_eq!(remains("a.yaml", &before, &after, &args("a, y, c")), CHANGED);
        assert_eq!(remains("a.yaml", &before, &after, &args("a, b, x, c")), CHANGED, "places do not count any more");
    }

    #[test]
    fn objects_are_compared_wherever_they_stand_in_the_file() {
        let object = |name: &str, n: u64| format!("kind: A\nmetadata: {{name: {name}}}\nn: {n}\n");
        let two = |a: String, b: String| format!("{a}---\n{b}");
        let (before, after) = (two(object("a", 1), object("b", 1)), two(object("a", 2), object("b", 1)));
        for (now, wanted) in [
            (two(object("b", 1), object("a", 2)), STANDS),
            (two(object("c", 1), two(object("a", 1), object("b", 1))), BACK),
            (object("b", 1), UNKNOWN),
        ] {
            assert_eq!(remains("a.yaml", &before, &after, &now), wanted, "{now}");
        }
    }

    #[test]
    fn terraform_is_compared_by_address() {
        let block = |n: u64, more: &str| format!("module \"eks\" {{\n  desired = {n}\n{more}}}\n");
        let (before, after) = (block(2, ""), block(3, ""));
        for (now, wanted) in [
            (format!("# looked at\n{}", block(3, "  other = true\n")), STANDS),
            (block(2, "  other = true\n"), BACK),
            (block(4, ""), CHANGED),
            ("module \"eks\" {".to_owned(), UNKNOWN),
        ] {
            assert_eq!(remains("main.tf", &before, &after, &now), wanted, "{now}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_bytes_alone() {
        assert_eq!(remains("notes.txt", "a\n", "b\n", "b\n"), STANDS);
        assert_eq!(remains("notes.txt", "a\n", "b\n", "a\n"), BACK);
        assert_eq!(remains("notes.txt", "a\n", "b\n", "a\nb\n"), UNKNOWN);
        let file = |before: Option<&str>, after: Option<&str>| {
            let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
            LandedFile { path: "a.yaml".into(), before: bytes(before), after: bytes(after) }
        };
        assert_eq!(Remains::of(&file(Some("a"), Some("b")), None), Remains::UNKNOWN, "it may have moved");
        assert_eq!(Remains::of(&file(None, Some("b")), None).back, 1);
        assert_eq!(Remains::of(&file(Some("a"), None), Some(b"a")).back, 1);
        assert_eq!(Remains::of(&file(Some("a"), None), None).stands, 1);
    }
}
