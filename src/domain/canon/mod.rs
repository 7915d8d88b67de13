//! Reads JSON and YAML strictly and writes RFC 8785 bytes.
//!
//! Must not round a number, drop a key or choose between two: what could mean two things is refused.

mod json;
mod yaml;

pub use json::parse as parse_json;
pub use yaml::parse as parse_yaml;

use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// The deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

/// The first integer that a double cannot tell from its neighbour, 2^53.
pub const MAX_INTEGER: u64 = 1 << 53;

/// A document that was not understood: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// A dotted path; empty for the document itself.
    pub path: String,
    /// One sentence.
    pub reason: String,
}

impl Malformed {
    /// A fault at a path.
    pub fn at(path: impl Into<String>, reason: impl Into<String>) -> Malformed {
        Malformed { path: path.into(), reason: reason.into() }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => out.write_str(&self.reason),
            path => write!(out, "{path}: {}", self.reason),
        }
    }
}

impl std::error::Error for Malformed {}

/// Reads JSON when the text begins like JSON, else YAML.
pub fn parse(bytes: &[u8]) -> Result<Value, Malformed> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Malformed::at("", format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    match text.trim_start().as_bytes().first() {
        None => Err(Malformed::at("", "the document is empty")),
        Some(b'{' | b'[') => json::parse(text).or_else(|error| match yaml::parse(text) {
            // A flow map may be YAML without being JSON; if it is neither, the JSON reader's words are the better ones.
            Ok(value) if !looks_like_json(text) => Ok(value),
            _ => Err(error),
        }),
        Some(_) => yaml::parse(text),
    }
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().trim_start_matches(['{', '[']).trim_start().starts_with(['"', '}', ']'])
}

/// Turns a strictly read document into a type; the error names the key.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Malformed> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        // A document that is one long string would otherwise be repeated whole.
        let reason: String = error.into_inner().to_string().chars().take(300).collect();
        Malformed::at(if path == "." { String::new() } else { path }, reason)
    })
}

/// The RFC 8785 bytes of a document that was read strictly.
pub fn canonical(value: &impl serde::Serialize) -> Vec<u8> {
    // The canonicalizer fails only on maps with keys that are no strings and on numbers that are not
    // finite; no type of ours holds either.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// Judges the text of a plain number: one spelling for each value, and no integer a double would round.
fn number(text: &str) -> Result<Value, String> {
    let number: serde_json::Number =
        text.parse().map_err(|_| format!("`{text}` is not a number that is understood; quote it"))?;
    let canonical = serde_json_canonicalizer::to_string(&number).map_err(|error| error.to_string())?;
    if canonical != text {
        return Err(format!(
            "the number `{text}` is not in its canonical form `{canonical}`: quote it or write it plainly"
        ));
    }
    let exact = match (number.as_u64(), number.as_i64()) {
        (Some(n), _) => n < MAX_INTEGER,
        (None, Some(n)) => n.unsigned_abs() < MAX_INTEGER,
        (None, None) => number.as_f64().is_some_and(|n| n.fract() != 0.0),
    };
    if exact { Ok(Value::Number(number)) } else { Err(format!("the integer `{text}` is not below 2^53; quote it")) }
}

fn child(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_and_yaml_read_alike() {
        let json = parse(br#"{"b": [1, "x", null, true], "a": {"c": -2}}"#).expect("json");
        let yaml = parse(b"b: [1, x, null, true]\na:\n  c: -2\n").expect("yaml");
        assert_eq!(json, yaml);
        assert_eq!(canonical(&json), br#"{"a":{"c":-2},"b":[1,"x",null,true]}"#);
        assert_eq!(parse(b"{a: 1}").expect("flow map"), json!({"a": 1}));
    }

    #[test]
    fn tm36_numbers_have_one_spelling() {
        for text in ["1e0", "1.0", "9007199254740992", "-0", "1.10", "1e3", "-9007199254740992", "1e400", "0x10"] {
            for document in [format!("{{\"a\": {text}}}"), format!("a: {text}")] {
                let outcome = parse(document.as_bytes());
                let quiet = outcome.as_ref().is_ok_and(|value| value["a"].is_string());
                assert!(outcome.is_err() || quiet && text == "0x10", "{document}: {outcome:?}");
            }
        }
        assert_eq!(parse(b"{\"a\": 9007199254740991}").expect("largest")["a"], json!(9_007_199_254_740_991_u64));
        assert_eq!(parse(b"a: 0.5").expect("fraction")["a"], json!(0.5));
    }

    #[test]
    fn tm34_duplicate_keys_are_refused() {
        for text in ["{\"a\":{\"t\":1,\"t\":2}}", "a:\n  t: 1\n  t: 2\n", "{\"a\":{\"t\":1,\"\\u0074\":2}}"] {
            let error = parse(text.as_bytes()).expect_err(text);
            assert!(error.to_string().contains("twice") && error.path.starts_with('a'), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
            assert!(parse(text.as_bytes()).expect_err("deep").to_string().contains("deep"));
        }
        let yaml = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>();
        assert!(parse(yaml.as_bytes()).is_err());
    }

    #[test]
    fn yaml_that_means_two_things_is_refused() {
        for text in [
            "a: &x 1\nb: *x\n",
            "a: !!str 1\n",
            "a: on\n",
            "a: 0123\n",
            "a: 1_000\n",
            "--- {}\n--- {}\n",
            "? [a]\n: 1\n",
            "a: 2001-01-01\n",
            "a: ~\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
