//! Takes secrets out of text before it is stored, logged or shown: built-in shapes, and patterns of a tenant.
//!
//! Must not be asked whether something is safe: it finds what has a known shape, and nothing else.

mod shapes;

use globset::{GlobBuilder, GlobMatcher};
use serde_json::Value;
use std::borrow::Cow;

/// What stands where a secret was.
pub const MARK: &str = "[redacted]";

/// Takes everything with a built-in shape out: private keys, JWTs, tokens of known services, `user:password@` in
/// addresses, and values of `password=` and the like. What was taken out before stays as it is.
pub fn text(text: &str) -> Cow<'_, str> {
    shapes::clean(text)
}

/// The same for an owned text.
pub fn owned(text: String) -> String {
    match shapes::clean(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cleaned) => cleaned,
    }
}

/// Takes secrets out of every text of a JSON document, not out of its keys.
pub fn value(value: Value) -> Value {
    mapped(value, &owned)
}

fn mapped(value: Value, clean: &dyn Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| mapped(item, clean)).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, item)| (key, mapped(item, clean))).collect()),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// A tenant's own pattern.
#[derive(Clone, Debug)]
struct Pattern {
    word: GlobMatcher,
    environments: Vec<String>,
}

/// The built-in shapes together with a tenant's own patterns.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    patterns: Vec<Pattern>,
}

impl Redactor {
    /// Adds a pattern for words: `*` is any run of characters, `?` is one, `[0-9]` is one of these, `{a,b}` is either.
    ///
    /// A word ends at white space, quotes, commas, semicolons, brackets and `=`. With `environments` it counts for those
    /// alone, and for texts whose environment is not known.
    pub fn with(mut self, pattern: &str, environments: &[String]) -> Result<Redactor, String> {
        let solid = pattern.chars().filter(|c| c.is_alphanumeric()).count();
        if solid < 3 || pattern.len() > 200 {
            return Err(format!("the pattern `{pattern}` needs 3 fixed letters or digits, and 200 characters at most"));
        }
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        let glob = glob.map_err(|error| format!("the pattern `{pattern}` is not understood: {error}"))?;
        self.patterns.push(Pattern { word: glob.compile_matcher(), environments: environments.to_vec() });
        Ok(self)
    }

    /// Takes secrets out of a text of an environment; none when that is not known.
    pub fn clean(&self, text: String, environment: Option<&str>) -> String {
        let text = owned(text);
        let applies = |pattern: &&Pattern| {
            let known = environment.filter(|_| !pattern.environments.is_empty());
            known.is_none_or(|name| pattern.environments.iter().any(|mine| mine == name))
        };
        let patterns: Vec<&Pattern> = self.patterns.iter().filter(applies).collect();
        if patterns.is_empty() {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(ends_word) {
            let word = piece.trim_end_matches(ends_word);
            let secret = !word.is_empty() && patterns.iter().any(|pattern| pattern.word.is_match(word));
            out.push_str(if secret { MARK } else { word });
            out.push_str(&piece[word.len()..]);
        }
        out
    }

    /// Takes secrets out of every text of a JSON document.
    pub fn value(&self, value: Value, environment: Option<&str>) -> Value {
        mapped(value, &|text| self.clean(text, environment))
    }

    /// Whether a text holds a secret.
    pub fn finds(&self, text: &str, environment: Option<&str>) -> bool {
        self.clean(text.to_owned(), environment) != text
    }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '=')
}

#[cfg(test)]
mod tests;
