//! Lines, columns, blanks and comments of a text.
//!
//! Must not know nodes: offsets in, offsets out.

/// Where the line of an offset begins.
pub(super) fn begin(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

/// Where the line of an offset ends, in front of its line break.
pub(super) fn end(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let bytes = text.as_bytes();
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |newline| at + newline);
    if end > 0 && end < bytes.len() && bytes[end - 1] == b'\r' { end - 1 } else { end }
}

/// Where the next line begins; the end of the text if there is none.
pub(super) fn next(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The column of an offset, in characters from 0.
pub(super) fn column(text: &str, at: usize) -> usize {
    text.get(begin(text, at)..at).unwrap_or_default().chars().count()
}

/// The line an offset is on, without its line break.
pub(super) fn line(text: &str, at: usize) -> &str {
    text.get(begin(text, at)..end(text, at)).unwrap_or_default()
}

/// Tells whether only blanks stand between the line's begin and the offset.
pub(super) fn is_first(text: &str, at: usize) -> bool {
    text.get(begin(text, at)..at).unwrap_or_default().bytes().all(|byte| byte == b' ')
}

/// The column of a line that holds nothing but a comment.
pub(super) fn comment_column(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches([' ', '\t']);
    rest.starts_with('#').then(|| line.len() - rest.len())
}

/// Skips blanks on the line.
pub(super) fn skip_blanks(text: &str, at: usize) -> usize {
    at + text.as_bytes().get(at..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Steps back over blanks on the line.
pub(super) fn back_blanks(text: &str, at: usize) -> usize {
    at - text.as_bytes()[..at.min(text.len())].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Skips blanks, line breaks, comments and, if asked, commas.
pub(super) fn skip_trivia(text: &str, at: usize, commas: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = at;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b',' if commas => at += 1,
            b'#' => at = next(text, at),
            _ => break,
        }
    }
    at
}

/// The line break of a text: of the line at an offset if it has one, else of the first line.
pub(super) fn newline(text: &str, at: usize) -> &'static str {
    let end = next(text, begin(text, at));
    let line = text.get(..end).unwrap_or_default();
    let sample = if line.ends_with('\n') { line } else { text.get(..next(text, 0)).unwrap_or_default() };
    if sample.ends_with("\r\n") { "\r\n" } else { "\n" }
}
