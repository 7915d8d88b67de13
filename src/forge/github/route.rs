//! Addresses below the API: what goes into them is encoded.
//!
//! Must not let a branch or a login add a segment or a query.

use std::fmt::Write as _;

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    encode(text, false)
}

/// A path whose slashes stay.
pub(super) fn path(text: &str) -> String {
    encode(text, true)
}

fn encode(text: &str, slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b'/' if slashes => out.push('/'),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

/// The operation of a path, for a metric: names and numbers are left out.
pub(super) fn operation(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('?').next().unwrap_or_default().split('/').filter(|part| !part.is_empty()) {
        let named = matches!(parts.last(), Some(&("heads" | "branches" | "collaborators" | "users")));
        let word = part.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_'));
        parts.push(if word && !named { part } else { "x" });
    }
    // A branch may have more than one part.
    let end = parts.iter().position(|part| *part == "heads").map_or(parts.len(), |at| at + 1);
    parts.truncate(end);
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_few() {
        for (path, expected) in [
            ("/repositories/101/pulls/7/merge", "repositories/x/pulls/x/merge"),
            ("/repositories/101/git/ref/heads/countersign/set-image", "repositories/x/git/ref/heads"),
            ("/repositories/101/branches/main?x=1", "repositories/x/branches/x"),
            ("/repositories/101/commits/0a1b2c/check-runs", "repositories/x/commits/x/check-runs"),
        ] {
            assert_eq!(operation(path), expected);
        }
    }

    #[test]
    fn nothing_escapes_from_its_place() {
        assert_eq!(segment("dependabot[bot]"), "dependabot%5Bbot%5D");
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
        assert_eq!(path("countersign/set-image/ü"), "countersign/set-image/%C3%BC");
    }
}
