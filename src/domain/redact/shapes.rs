//! The shapes of secrets that are known everywhere.
//!
//! Must not match what it wrote itself, nor a digest or an id of countersign; and no text may make it read a part of
//! itself again and again.

use super::MARK;
use std::borrow::Cow;

/// How tokens of known services begin, and how many more characters such a token has at least.
const TOKENS: [(&str, usize); 31] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("glptt-", 16),
    ("glcbt-", 16),
    ("gloas-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("xoxa-", 16),
    ("xoxr-", 16),
    ("xoxs-", 16),
    ("xapp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 20),
    ("npm_", 30),
    ("pypi-AgE", 30),
    ("hvs.", 20),
    ("hvb.", 20),
    ("dop_v1_", 40),
    ("whsec_", 20),
    ("sk-", 32),
    ("AGE-SECRET-KEY-1", 40),
    ("cs_", 43),
];

/// Names whose value, behind `=`, is a secret.
const NAMES: [&str; 10] =
    ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "api-key", "access_key", "private_key"];

/// Takes everything with a known shape out of a text.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    for take in [private_keys, jwts, tokens, bearers, user_info, named] {
        if let Some(cleaned) = take(&out) {
            out = Cow::Owned(cleaned);
        }
    }
    out
}

/// Replaces the byte ranges that `find` gives, each searched from the end of the one before.
fn replace(text: &str, find: impl Fn(&str, usize) -> Option<(usize, usize)>) -> Option<String> {
    let (mut out, mut at) = (String::new(), 0);
    while let Some((from, to)) = find(text, at) {
        out.push_str(text.get(at..from)?);
        out.push_str(MARK);
        at = to;
    }
    (at > 0).then(|| out + text.get(at..).unwrap_or_default())
}

/// Where a needle stands at or after an offset.
fn seek(text: &str, needle: &str, at: usize) -> Option<usize> {
    text.get(at..)?.find(needle).map(|found| at + found)
}

/// How many bytes from an offset on are of this sort.
fn run(text: &str, at: usize, sort: impl Fn(u8) -> bool) -> usize {
    text.as_bytes().get(at..).unwrap_or_default().iter().take_while(|byte| sort(**byte)).count()
}

/// Whether a word begins at an offset.
fn begins_word(text: &str, at: usize) -> bool {
    at == 0 || !text.as_bytes().get(at - 1).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_opaque(byte: u8) -> bool {
    is_token(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=')
}

/// `-----BEGIN ... PRIVATE KEY-----` up to the line that ends it, or to the end of the text.
fn private_keys(text: &str) -> Option<String> {
    replace(text, |text, at| {
        let mut at = at;
        loop {
            let begin = seek(text, "-----BEGIN ", at)?;
            let label = begin + "-----BEGIN ".len();
            let head = seek(text, "-----", label)?;
            if text.get(label..head).is_some_and(|label| label.contains("PRIVATE KEY") && label.len() < 60) {
                let tail = seek(text, "-----END ", head).and_then(|end| seek(text, "-----", end + 9));
                return Some((begin, tail.map_or(text.len(), |tail| tail + 5)));
            }
            at = label;
        }
    })
}

/// Three parts of base64url with dots between, the first of which is a JSON object.
fn jwts(text: &str) -> Option<String> {
    replace(text, |text, at| {
        let mut at = at;
        loop {
            let begin = seek(text, "eyJ", at)?;
            if !begins_word(text, begin) {
                at = begin + 3;
                continue;
            }
            let first = begin + run(text, begin, is_token);
            let (mut end, mut parts) = (first, usize::from(first - begin >= 10));
            while parts > 0 && parts < 5 && text.as_bytes().get(end) == Some(&b'.') {
                let length = run(text, end + 1, is_token);
                if length < 4 && parts < 2 {
                    break;
                }
                end += 1 + length;
                parts += 1;
            }
            if parts >= 3 {
                return Some((begin, end));
            }
            // What begins later in the same part ends as this one does.
            at = first;
        }
    })
}

/// Tokens of services that begin with a known word.
fn tokens(text: &str) -> Option<String> {
    let mut cleaned: Option<String> = None;
    for (begin, least) in TOKENS {
        let from = cleaned.as_deref().unwrap_or(text);
        let found = replace(from, |text, at| {
            let mut at = at;
            loop {
                let start = seek(text, begin, at)?;
                let rest = start + begin.len();
                if !begins_word(text, start) {
                    at = rest;
                    continue;
                }
                let length = run(text, rest, |byte| is_token(byte) || byte == b'.');
                if length >= least {
                    return Some((start, rest + length));
                }
                // What begins later in the same run is shorter still.
                at = rest + length;
            }
        });
        cleaned = found.or(cleaned);
    }
    cleaned
}

/// What follows `Bearer` or `Basic`, long enough to be no word.
fn bearers(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut all: Vec<(usize, usize)> = Vec::new();
    for word in ["bearer ", "basic "] {
        all.extend(lower.match_indices(word).map(|(start, _)| (start, start + word.len())));
    }
    all.sort_unstable();
    replace(text, |text, at| {
        let later = all.get(all.partition_point(|(start, _)| *start < at)..).unwrap_or_default();
        later.iter().filter(|(start, _)| begins_word(text, *start)).find_map(|(_, value)| {
            let length = run(text, *value, is_opaque);
            (length >= 16).then_some((*value, *value + length))
        })
    })
}

/// What stands before the `@` of an address.
fn user_info(text: &str) -> Option<String> {
    replace(text, |text, at| {
        let mut at = at;
        loop {
            let start = seek(text, "://", at)? + 3;
            let stops =
                |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`');
            let end = start + run(text, start, |byte| !stops(byte));
            let user = text.get(start..end).and_then(|authority| authority.rfind('@'));
            if let Some(user) = user.filter(|user| *user > 0)
                && text.get(start..start + user) != Some(MARK)
            {
                return Some((start, start + user));
            }
            at = end;
        }
    })
}

/// Values of `password=` and the like.
fn named(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    replace(text, |text, at| {
        let mut at = at;
        loop {
            let equals = seek(text, "=", at)?;
            let name = lower.get(..equals).unwrap_or_default();
            let value = equals + 1;
            let ends = |byte: u8| {
                byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"' | b'\'' | b'`' | b',' | b';' | b')')
            };
            let placeholder =
                text.as_bytes().get(value).is_some_and(|byte| matches!(byte, b'[' | b'$' | b'<' | b'{' | b'*' | b'='));
            if placeholder || !NAMES.iter().any(|known| name.ends_with(known)) {
                at = value;
                continue;
            }
            let length = run(text, value, |byte| !ends(byte));
            if length >= 6 {
                return Some((value, value + length));
            }
            at = value + length;
        }
    })
}
