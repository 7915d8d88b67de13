//! How readers of YAML 1.1 and YAML 1.2 type a plain scalar.
//!
//! Must not write scalars. Sources: YAML 1.2.2 section 10.3.2 and <https://yaml.org/type/>, read as widely as readers do.

use super::tree::{Kind, Node, Style};
use serde_json::Value;

/// What a reader takes a scalar for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Read {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A number.
    Float(f64),
    /// A string.
    Text,
    /// A date, a base-60 number, a merge key or a tagged value.
    Other,
}

/// Tells whether both kinds of readers take a plain text for a string.
pub(super) fn is_text(text: &str) -> bool {
    core(text) == Read::Text && old(text) == Read::Text
}

/// Types a scalar node by both rules, the 1.1 reading first.
pub(super) fn reads(node: &Node) -> Option<(Read, Read)> {
    let Kind::Scalar(text, style) = &node.kind else { return None };
    Some(match (node.tag.as_deref(), style) {
        (None, Style::Plain) => (old(text), core(text)),
        (None | Some("!" | "tag:yaml.org,2002:str"), _) => (Read::Text, Read::Text),
        (Some(tag), _) => {
            let read = tagged(tag, text);
            (read, read)
        }
    })
}

fn tagged(tag: &str, text: &str) -> Read {
    match (tag.strip_prefix("tag:yaml.org,2002:"), core(text)) {
        (Some("int"), read @ Read::Int(_)) => read,
        (Some("float"), Read::Int(whole)) => Read::Float(to_float(whole)),
        (Some("float"), read @ Read::Float(_)) => read,
        (Some("bool"), read @ Read::Bool(_)) => read,
        (Some("null"), Read::Null) => Read::Null,
        _ => Read::Other,
    }
}

/// Tells whether a reading of a text is the wanted JSON scalar.
pub(super) fn means(read: Read, text: &str, wanted: &Value) -> bool {
    match (read, wanted) {
        (Read::Null, Value::Null) => true,
        (Read::Bool(is), Value::Bool(want)) => is == *want,
        (Read::Text, Value::String(want)) => text == want,
        (Read::Int(is), Value::Number(want)) => {
            want.as_i64().map(i128::from).or(want.as_u64().map(i128::from)) == Some(is)
        }
        (Read::Float(is), Value::Number(want)) => want.is_f64() && want.as_f64() == Some(is),
        _ => false,
    }
}

/// Types a plain text by the core schema of YAML 1.2.
pub(super) fn core(text: &str) -> Read {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Read::Null,
        "true" | "True" | "TRUE" => return Read::Bool(true),
        "false" | "False" | "FALSE" => return Read::Bool(false),
        _ => {}
    }
    if let Some(read) = special(text) {
        return read;
    }
    let (_, digits) = sign(text);
    if all(digits, |byte| byte.is_ascii_digit()) {
        return integer(text, 10).map_or_else(|| float(text), Read::Int);
    }
    for (mark, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(mark)
            && all(digits, |byte| char::from(byte).is_digit(radix))
        {
            return integer(digits, radix).map_or(Read::Other, Read::Int);
        }
    }
    if is_float(digits, false) { float(text) } else { Read::Text }
}

/// Types a plain text by the rules of YAML 1.1.
pub(super) fn old(text: &str) -> Read {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Read::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => return Read::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
            return Read::Bool(false);
        }
        "<<" | "=" => return Read::Other,
        _ => {}
    }
    if let Some(read) = special(text) {
        return read;
    }
    let (minus, digits) = sign(text);
    if let Some(read) = old_integer(minus, digits) {
        return read;
    }
    if is_sixty(digits) || is_date(text) {
        return Read::Other;
    }
    if is_float(digits, true) { float(&text.replace('_', "")) } else { Read::Text }
}

fn special(text: &str) -> Option<Read> {
    let (minus, rest) = sign(text);
    match rest {
        ".inf" | ".Inf" | ".INF" => Some(Read::Float(if minus { f64::NEG_INFINITY } else { f64::INFINITY })),
        ".nan" | ".NaN" | ".NAN" => Some(Read::Float(f64::NAN)),
        _ => None,
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn all(text: &str, test: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(test)
}

fn integer(text: &str, radix: u32) -> Option<i128> {
    i128::from_str_radix(text, radix).ok()
}

fn old_integer(minus: bool, digits: &str) -> Option<Read> {
    let (body, radix) = match digits.as_bytes() {
        [b'0', b'b', ..] => (&digits[2..], 2),
        [b'0', b'x', ..] => (&digits[2..], 16),
        [b'0', b'o', ..] => (&digits[2..], 8),
        [b'0', _, ..] => (&digits[1..], 8),
        [b'0'..=b'9', ..] => (digits, 10),
        _ => return None,
    };
    if !all(body, |byte| byte == b'_' || char::from(byte).is_digit(radix)) {
        return None;
    }
    let read = integer(&body.replace('_', ""), radix).map(|whole| if minus { -whole } else { whole });
    Some(read.map_or(Read::Other, Read::Int))
}

fn is_float(digits: &str, underscores: bool) -> bool {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => (&digits[..at], Some(sign(&digits[at + 1..]).1)),
        None => (digits, None),
    };
    if exponent.is_some_and(|exponent| !all(exponent, |byte| byte.is_ascii_digit())) {
        return false;
    }
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digit = |byte: u8| byte.is_ascii_digit() || (underscores && byte == b'_');
    let leads = whole.bytes().chain(part.bytes()).next().is_some_and(|byte| byte.is_ascii_digit());
    let first = whole.is_empty() || whole.as_bytes()[0].is_ascii_digit();
    leads && first && whole.bytes().all(digit) && part.bytes().all(digit)
}

fn is_sixty(digits: &str) -> bool {
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let two = |part: &str| match part.as_bytes() {
        [a] => a.is_ascii_digit(),
        [a, b] => matches!(a, b'0'..=b'5') && b.is_ascii_digit(),
        _ => false,
    };
    let (seconds, fraction) = last.split_once('.').unwrap_or((last, ""));
    first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && middle.iter().all(|part| two(part))
        && two(seconds)
        && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let day = rest.bytes().take_while(u8::is_ascii_digit).count();
    let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && all(part, |byte| byte.is_ascii_digit())
    };
    digits(year, 4..=4)
        && digits(month, 1..=2)
        && (1..=2).contains(&day)
        && matches!(rest.as_bytes().get(day), None | Some(b'T' | b't' | b' ' | b'\t'))
}

fn float(text: &str) -> Read {
    text.parse().map_or(Read::Other, Read::Float)
}

#[allow(clippy::cast_precision_loss)]
fn to_float(whole: i128) -> f64 {
    whole as f64
}
