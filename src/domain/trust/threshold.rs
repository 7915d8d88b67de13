//! The wanted lower bound and what it asks for.
//!
//! Must not hold a value that no record can reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The wanted lower bound of the share of good outcomes, 0.80 to 0.999, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u32);

impl Default for Threshold {
    fn default() -> Threshold {
        Threshold::DEFAULT
    }
}

impl Threshold {
    /// 0.95.
    pub const DEFAULT: Threshold = Threshold(950);

    /// Numerator and denominator.
    pub(super) fn parts(self) -> (i128, i128) {
        (i128::from(self.0), 1000)
    }

    /// The same as a number, for people.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// What one success adds to the score, micro-nats: floor(10^6 ln(p1/T)), p1 = 1 - (1-T)/5.
    pub fn success(self) -> i64 {
        let better = 1.0 - (1.0 - self.value()) / 5.0;
        ((better / self.value()).ln() * 1e6).floor() as i64
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("0.{:03}", self.0);
        let short = text.strip_suffix('0').unwrap_or(&text);
        out.write_str(short)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let fault = || format!("threshold `{text}`: write 0.80 to 0.999 with at most three digits, as \"0.95\"");
        let digits = text.strip_prefix("0.").filter(|d| (1..=3).contains(&d.len())).ok_or_else(fault)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(fault());
        }
        let thousandths: u32 = format!("{digits:0<3}").parse().map_err(|_| fault())?;
        if thousandths < 800 { Err(fault()) } else { Ok(Threshold(thousandths)) }
    }
}

impl Serialize for Threshold {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Threshold, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^0\\.[89][0-9]{0,2}$"})
    }
}
