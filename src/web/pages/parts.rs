//! What several pages show alike: facts and diffs.
//!
//! Must not know which page it stands on.

use serde::Serialize;

/// Lines of the diff on the page.
const LINES: usize = 1_000;

/// A name and what stands behind it.
pub(super) type Fact = (&'static str, String);

/// A unified diff, line by line, as far as a page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Diff {
    lines: Vec<Line>,
    cut: usize,
}

#[derive(Debug, Serialize)]
struct Line {
    tone: &'static str,
    text: String,
}

/// The first lines of a diff, and how many are left out.
pub(super) fn diff(bytes: &[u8]) -> Diff {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<Line> = text.lines().take(LINES).map(line).collect();
    Diff { lines, cut: text.lines().count().saturating_sub(LINES) }
}

fn line(text: &str) -> Line {
    let tone = match text.as_bytes().first() {
        _ if text.starts_with("+++ ") || text.starts_with("--- ") || text.starts_with("diff ") => "head",
        Some(b'+') => "add",
        Some(b'-') => "del",
        Some(b'@') => "hunk",
        Some(_) | None => "",
    };
    Line { tone, text: text.to_owned() }
}
