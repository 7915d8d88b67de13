//! Places in a document.
//!
//! Must not know a document format.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Step {
    /// A map's key, an attribute or a nested block's type.
    Key(String),
    /// A list's element, counting from 0.
    Index(usize),
    /// The one element that has all these fields (`labels` picks an HCL block by labels).
    Match(BTreeMap<String, Value>),
}

/// A place in a document: `a.b."c.d/e"[name=app][0]`, or a list of its steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Reads the dotted form; the error names the character it stopped at, counting from 1.
    pub fn parse(text: &str) -> Result<Path, String> {
        Reader { text, at: 0 }.path()
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn path(mut self) -> Result<Path, String> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                None if steps.is_empty() => return self.fail("an empty path"),
                Some('[') => steps.push(self.bracket()?),
                Some(_) | None => steps.push(Step::Key(self.key(&['.', '[', ']'])?)),
            }
            match self.peek() {
                None => return Ok(Path(steps)),
                Some('.') => self.at += 1,
                Some('[') => {}
                Some(_) => return self.fail("expected `.` or `[`"),
            }
        }
    }

    fn bracket(&mut self) -> Result<Step, String> {
        self.at += 1;
        let quoted = self.peek() == Some('"');
        let name = self.key(&['=', ']'])?;
        let step = match (self.peek(), name.parse()) {
            (Some(']'), Ok(index)) if !quoted => Step::Index(index),
            (Some(']'), _) => Step::Key(name),
            (Some('='), _) => {
                self.at += 1;
                let value = self.key(&[']'])?;
                Step::Match(BTreeMap::from([(name, Value::String(value))]))
            }
            _ => return self.fail("expected `]`"),
        };
        match self.peek() {
            Some(']') => {
                self.at += 1;
                Ok(step)
            }
            _ => self.fail("expected `]`"),
        }
    }

    fn key(&mut self, ends: &[char]) -> Result<String, String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let rest = &self.text[self.at..];
        let len = rest.find(ends).unwrap_or(rest.len());
        if len == 0 {
            return self.fail("expected a key");
        }
        self.at += len;
        Ok(rest[..len].to_owned())
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut stream = serde_json::Deserializer::from_str(&self.text[self.at..]).into_iter();
        match stream.next() {
            Some(Ok(key)) => {
                self.at += stream.byte_offset();
                Ok(key)
            }
            _ => self.fail("the quoted key does not end"),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn fail<T>(&self, what: &str) -> Result<T, String> {
        let column = self.text[..self.at].chars().count() + 1;
        Err(format!("path `{}`: {what} at character {column}", self.text))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if plain(key) && n == 0 => write!(out, "{key}")?,
                Step::Key(key) if plain(key) => write!(out, ".{key}")?,
                Step::Key(key) if n == 0 => write!(out, "{}", Value::String(key.clone()))?,
                Step::Key(key) => write!(out, ".{}", Value::String(key.clone()))?,
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Match(fields) => write_match(out, fields)?,
            }
        }
        Ok(())
    }
}

fn write_match(out: &mut fmt::Formatter<'_>, fields: &BTreeMap<String, Value>) -> fmt::Result {
    out.write_str("[")?;
    for (n, (field, value)) in fields.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        match value {
            Value::String(text) if plain(text) => write!(out, "{comma}{field}={text}")?,
            other => write!(out, "{comma}{field}={other}")?,
        }
    }
    out.write_str("]")
}

fn plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ':' | '@'))
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a path: `a.b[name=x][0]` or a list of keys, integers and objects")]
        enum Form {
            Text(String),
            Steps(Vec<Step>),
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Path::parse(&text).map_err(serde::de::Error::custom),
            Form::Steps(steps) => Ok(Path(steps)),
        }
    }
}

impl JsonSchema for Path {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let step = generator.subschema_for::<Step>();
        schemars::json_schema!({
            "description": "A place in a document: `a.b.\"c.d/e\"[name=app][0]`, or a list of its steps.",
            "anyOf": [{"type": "string", "maxLength": 1024}, {"type": "array", "items": step, "maxItems": 64}]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_and_print() {
        let path = Path::parse(r#"a.b."c.d/e"[name=app][0]["x.y"].k"#).expect("reads");
        let json = serde_json::to_string(&path).expect("prints");
        assert_eq!(json, r#"["a","b","c.d/e",{"name":"app"},0,"x.y","k"]"#);
        assert_eq!(path.to_string(), r#"a.b."c.d/e"[name=app][0]."x.y".k"#);
        let again: Path = serde_json::from_str(&json).expect("reads again");
        assert_eq!(again, path);
    }

    #[test]
    fn bad_paths_name_the_place() {
        for (text, place) in
            [("", "character 1"), ("a..b", "character 3"), ("a[0", "character 4"), ("a.", "character 3")]
        {
            let error = Path::parse(text).expect_err(text);
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
