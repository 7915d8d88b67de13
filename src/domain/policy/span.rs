//! Lengths of time as they are written in a config.
//!
//! Must not read a number without its unit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time as text: `90s`, `10m`, `72h`, `180d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i64);

impl std::fmt::Display for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            s if s % 86_400 == 0 => write!(out, "{}d", s / 86_400),
            s if s % 3_600 == 0 => write!(out, "{}h", s / 3_600),
            s if s % 60 == 0 => write!(out, "{}m", s / 60),
            s => write!(out, "{s}s"),
        }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let fault = || format!("`{text}` is not a length of time: write 90s, 10m, 72h or 180d");
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(fault()),
        };
        let digits = &text[..text.len() - 1];
        let count: i64 = Some(digits)
            .filter(|d| d.bytes().all(|b| b.is_ascii_digit()) && d.len() <= 6)
            .and_then(|d| d.parse().ok())
            .ok_or_else(fault)?;
        Ok(Span(count * unit))
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"})
    }
}
