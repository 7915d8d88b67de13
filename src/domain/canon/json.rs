//! Strict JSON: no key twice, no number spelled two ways, bounded depth.

use super::{MAX_DEPTH, Malformed, child, number};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// Reads one JSON document.
pub fn parse(text: &str) -> Result<Value, Malformed> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| Malformed::at("", error.to_string()))?;
    value(raw, "", 0)
}

fn value(raw: &RawValue, path: &str, depth: usize) -> Result<Value, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::at(path, format!("nested more than {MAX_DEPTH} levels deep")));
    }
    let text = raw.get();
    let fault = |error: serde_json::Error| Malformed::at(path, error.to_string());
    match text.as_bytes().first() {
        Some(b'{') => object(text, path, depth),
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(fault)?;
            let read = |(n, element): (usize, &&RawValue)| value(element, &format!("{path}[{n}]"), depth + 1);
            elements.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Some(b'-' | b'0'..=b'9') => number(text).map_err(|reason| Malformed::at(path, reason)),
        _ => serde_json::from_str(text).map_err(fault),
    }
}

fn object(text: &str, path: &str, depth: usize) -> Result<Value, Malformed> {
    let members: Members<'_> = serde_json::from_str(text).map_err(|error| Malformed::at(path, error.to_string()))?;
    let mut seen = HashSet::new();
    let mut map = serde_json::Map::new();
    for (key, raw) in &members.0 {
        let path = child(path, key);
        if !seen.insert(key.as_ref()) {
            return Err(Malformed::at(path, "this key stands twice"));
        }
        let read = value(raw, &path, depth + 1)?;
        map.insert(key.clone().into_owned(), read);
    }
    Ok(Value::Object(map))
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'a>, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, raw)) = access.next_entry::<String, &'de RawValue>()? {
                    members.push((Cow::Owned(key), raw));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
