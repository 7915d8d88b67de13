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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_from_its_place() {
        assert_eq!(segment("dependabot[bot]"), "dependabot%5Bbot%5D");
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
        assert_eq!(path("countersign/set-image/ü"), "countersign/set-image/%C3%BC");
    }
}
