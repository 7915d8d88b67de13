//! The block in a body: found by a scan of lines, never by a Markdown parser.

use super::Fault;
use super::envelope::MAX_ENVELOPE;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The line before the armored envelope.
pub const BEGIN: &str = "-----BEGIN COUNTERSIGN ATTESTATION-----";
/// The line after it.
pub const END: &str = "-----END COUNTERSIGN ATTESTATION-----";
/// The visible line that begins the signed text; stands exactly once, at column 0.
pub const FIRST_LINE: &str = "### countersign: attested remediation";
/// Characters of armor in a line.
const COLUMNS: usize = 64;

/// An envelope found in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The envelope's bytes.
    pub envelope: Vec<u8>,
}

/// Writes an envelope as BEGIN, lines of 64 characters, END.
pub fn render_block(envelope: &[u8]) -> String {
    let text = URL_SAFE_NO_PAD.encode(envelope);
    let mut out = String::from(BEGIN);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(COLUMNS));
        out.push('\n');
        out.push_str(line);
        rest = more;
    }
    out.push('\n');
    out.push_str(END);
    out
}

/// The lines of a body; `\r` is dropped only before `\n` or at the very end.
fn lines(body: &str) -> Result<Vec<&str>, Fault> {
    let lines: Vec<&str> = body.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    if lines.iter().any(|line| line.contains('\r')) {
        return Err(Fault::new("attestation.malformed", "the body holds a carriage return inside a line"));
    }
    Ok(lines)
}

fn positions(lines: &[&str], marker: &str) -> Vec<usize> {
    lines.iter().enumerate().filter(|(_, line)| line.contains(marker)).map(|(n, _)| n).collect()
}

/// Where BEGIN and END stand; exactly one of each, each alone on its line.
fn bounds(lines: &[&str]) -> Result<(usize, usize), Fault> {
    match (positions(lines, BEGIN).as_slice(), positions(lines, END).as_slice()) {
        ([], []) => Err(Fault::new("attestation.missing", "the body holds no attestation")),
        ([begin], [end]) if begin < end && lines[*begin] == BEGIN && lines[*end] == END => Ok((*begin, *end)),
        ([_], [_]) => Err(Fault::new("attestation.malformed", "the attestation's first or last line is not as it was")),
        ([], _) | (_, []) => {
            Err(Fault::new("attestation.malformed", "the attestation has only one of its two markers"))
        }
        _ => Err(Fault::new("attestation.ambiguous", "the body holds more than one attestation")),
    }
}

/// Finds the one block of a body.
pub fn extract(body: &str) -> Result<Block, Fault> {
    let lines = lines(body)?;
    let (begin, end) = bounds(&lines)?;
    let malformed = |reason: &str| Fault::new("attestation.malformed", reason);
    let armor = &lines[begin + 1..end];
    let Some((last, full)) = armor.split_last() else { return Err(malformed("the attestation is empty")) };
    if full.iter().any(|line| line.len() != COLUMNS) || last.is_empty() || last.len() > COLUMNS {
        return Err(malformed("the attestation's lines do not have 64 characters"));
    }
    let text = armor.concat();
    if text.len() > (MAX_ENVELOPE * 4).div_ceil(3) {
        return Err(malformed("the attestation is too large"));
    }
    let envelope = URL_SAFE_NO_PAD.decode(&text).ok().filter(|bytes| URL_SAFE_NO_PAD.encode(bytes) == text);
    envelope
        .map(|envelope| Block { envelope })
        .ok_or_else(|| malformed("the attestation is not base64url in its one form"))
}

/// SHA-256 of the signed text: from our first line to the block, without `\r`, trailing spaces and trailing blank lines.
pub fn region_digest(body: &str) -> Result<Digest, Fault> {
    let lines = lines(body)?;
    let (first, begin, _) = region(&lines)?;
    Ok(text_digest(&lines[first..begin]))
}

fn text_digest(lines: &[&str]) -> Digest {
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end_matches([' ', '\t'])).collect();
    Digest::of(trimmed.join("\n").trim_end_matches('\n').as_bytes())
}

fn region(lines: &[&str]) -> Result<(usize, usize, usize), Fault> {
    let firsts: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.trim_end() == FIRST_LINE).map(|(n, _)| n).collect();
    let (begin, end) = bounds(lines)?;
    match firsts.as_slice() {
        [first] if *first < begin => Ok((*first, begin, end)),
        [] | [_] => {
            Err(Fault::new("body_changed", format!("the line `{FIRST_LINE}` does not stand before the attestation")))
        }
        _ => Err(Fault::new("body_changed", format!("the line `{FIRST_LINE}` stands more than once"))),
    }
}

/// The body with our text replaced by `ours`; what people wrote before and after it stays.
pub fn replace_region(body: &str, ours: &str) -> String {
    let lines: Vec<&str> = body.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let Some(first) = lines.iter().position(|line| line.trim_end() == FIRST_LINE) else { return ours.to_owned() };
    let closes = |n: &usize| lines[*n..].iter().take(5).any(|line| line.trim() == "</details>");
    let end = lines.iter().rposition(|line| *line == END).filter(|end| *end > first && closes(end));
    let before = lines[..first].join("\n");
    let after = match end {
        Some(end) => {
            let tail = lines[end..].iter().position(|line| line.trim() == "</details>").map_or(end, |n| end + n);
            lines[tail + 1..].join("\n")
        }
        None => String::new(),
    };
    let mut out = String::new();
    if !before.trim().is_empty() {
        out.push_str(before.trim_end());
        out.push_str("\n\n");
    }
    out.push_str(ours.trim_end());
    if !after.trim().is_empty() {
        out.push_str("\n\n");
        out.push_str(after.trim());
    }
    out.push('\n');
    out
}

/// The digest that `region_digest` will find once a block stands below this text.
pub fn draft_digest(text: &str) -> Digest {
    let lines: Vec<&str> = text.lines().collect();
    text_digest(&lines)
}
