//! A few fields of a large JSON object, found without building the rest.
//!
//! Must not refuse an event for a field that nobody uses: forges add fields and change their types.

use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How deep an event may be nested.
const MOST_DEPTH: u32 = 100;

/// Why an event cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not a JSON object in UTF-8.
    #[error("the event is not a JSON object: set the webhook's content type to application/json")]
    NotAnObject,
    /// Nested too deeply.
    #[error("the event is nested deeper than {MOST_DEPTH} levels")]
    TooDeep,
}

/// The members of an object, as they lie in the body.
pub(super) struct Fields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Reads a body; only its outermost members are looked at.
    pub(super) fn read(body: &'a [u8]) -> Result<Fields<'a>, Unreadable> {
        if depth(body) > MOST_DEPTH {
            return Err(Unreadable::TooDeep);
        }
        serde_json::from_slice(body).map(Fields).map_err(|_| Unreadable::NotAnObject)
    }

    fn of(raw: &'a RawValue) -> Option<Fields<'a>> {
        serde_json::from_str(raw.get()).ok().map(Fields)
    }

    fn find(&self, path: &[&str]) -> Option<&'a RawValue> {
        let (first, rest) = path.split_first()?;
        let found = *self.0.get(*first)?;
        if rest.is_empty() { Some(found) } else { Fields::of(found)?.find(rest) }
    }

    /// The number at a path; none when something else stands there.
    pub(super) fn number(&self, path: &[&str]) -> Option<u64> {
        serde_json::from_str(self.find(path)?.get()).ok()
    }

    /// The text at a path; none when something else stands there.
    pub(super) fn text(&self, path: &[&str]) -> Option<String> {
        serde_json::from_str(self.find(path)?.get()).ok()
    }

    /// Whether an object stands at a path.
    pub(super) fn has_object(&self, path: &[&str]) -> bool {
        self.find(path).is_some_and(|raw| raw.get().starts_with('{'))
    }

    /// The numbers that the elements of a list hold under a name.
    pub(super) fn numbers(&self, path: &[&str], name: &str) -> Vec<u64> {
        let elements: Vec<&RawValue> =
            self.find(path).and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        elements.into_iter().filter_map(|raw| Fields::of(raw)?.number(&[name])).collect()
    }
}

/// How deep brackets are nested, those inside strings left out.
fn depth(body: &[u8]) -> u32 {
    let (mut now, mut most, mut quoted, mut escaped) = (0_u32, 0, false, false);
    for byte in body {
        match (quoted, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (_, false, b'"') => quoted = !quoted,
            (false, _, b'{' | b'[') => {
                now = now.saturating_add(1);
                most = most.max(now);
            }
            (false, _, b'}' | b']') => now = now.saturating_sub(1),
            (true | false, _, _) => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f9_fields_are_found_whatever_stands_beside_them() {
        let body = br#"{"id": 7, "when": 1622, "a": {"b": {"n": 3}, "t": null}, "list": [{"n": 1}, 5, {"n": "x"}, {"n": 2}], "x": {}}"#;
        let fields = Fields::read(body).expect("an object");
        assert_eq!(fields.number(&["id"]), Some(7));
        assert_eq!(fields.number(&["a", "b", "n"]), Some(3));
        assert_eq!(
            (fields.number(&["a", "t"]), fields.number(&["a"]), fields.number(&["id", "n"])),
            (None, None, None)
        );
        assert_eq!(fields.numbers(&["list"], "n"), [1, 2]);
        assert_eq!((fields.has_object(&["x"]), fields.has_object(&["id"])), (true, false));
    }

    #[test]
    fn f8_f10_what_is_no_plain_object_is_refused() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Fields::read(deep.as_bytes()).err(), Some(Unreadable::TooDeep));
        let quoted = format!("{{\"a\":\"{}\\\"{{\"}}", "[".repeat(1_000));
        assert!(Fields::read(quoted.as_bytes()).is_ok());
        for bad in [&b"[]"[..], b"", b"payload=%7B%7D", b"{\"a\":\"\xff\"}", b"{\"a\":\"\0\"}", b"{\"a\":1", b"null"] {
            assert_eq!(Fields::read(bad).err(), Some(Unreadable::NotAnObject), "{bad:?}");
        }
    }
}
