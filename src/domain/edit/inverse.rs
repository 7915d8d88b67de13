//! The exact way back: for each file the lines that stand there now and the lines that stood there before.
//!
//! Must not be answered before it is proven to restore every byte, and must not touch a file whose lines do not stand
//! where they were left.

use super::spans::{lines, spans};
use super::{Code, FileEdit, Refusal};
use crate::domain::canon;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The version of the inverse's bytes.
const VERSION: u32 = 1;

/// How many lines on each side tell a span from another one that reads the same.
const CONTEXT: usize = 3;

/// The inverse of one change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inverse {
    /// The version of this format.
    pub version: u32,
    /// One entry for each file, sorted by path.
    pub files: Vec<FileInverse>,
}

impl Default for Inverse {
    fn default() -> Inverse {
        Inverse { version: VERSION, files: Vec::new() }
    }
}

/// The inverse of one file's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInverse {
    /// The file.
    pub path: String,
    /// SHA-256 of the whole file after the change.
    pub after: Digest,
    /// SHA-256 of the whole file before it, which is what the inverse gives.
    pub before: Digest,
    /// The lines that differ, in order.
    pub spans: Vec<Span>,
}

/// Lines of a file that the change has touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Where they begin in the file after the change, bytes.
    pub offset: u64,
    /// The lines as they are after the change, base64.
    pub after: String,
    /// The lines that stood there before, base64.
    pub before: String,
    /// SHA-256 over the three lines above and the three below, after the change.
    pub context: Digest,
}

impl Inverse {
    /// The inverse of these edits.
    pub fn of(files: &[FileEdit]) -> Inverse {
        let inverse = |file: &FileEdit| FileInverse::of(&file.path, &file.before, &file.after);
        Inverse { version: VERSION, files: files.iter().map(inverse).collect() }
    }

    /// Refuses an inverse that does not give back every byte of these edits.
    pub fn prove(&self, files: &[FileEdit]) -> Result<(), Refusal> {
        for file in files {
            let mut own = self.files.iter().filter(|inverse| inverse.path == file.path);
            let restored = own.next().and_then(|inverse| inverse.restore(&file.after));
            if restored.as_deref() != Some(file.before.as_slice()) || own.next().is_some() {
                let reason = "the inverse does not give back what stood there";
                return Err(Refusal::of(Code::ProofFailed, reason).in_file(&file.path));
            }
        }
        Ok(())
    }

    /// The bytes that the attestation binds.
    pub fn bytes(&self) -> Vec<u8> {
        canon::canonical(self)
    }
}

impl FileInverse {
    /// The inverse of one file's change.
    pub(super) fn of(path: &str, before: &[u8], after: &[u8]) -> FileInverse {
        let span = |(old, new): (Range<usize>, Range<usize>)| Span {
            offset: new.start as u64,
            after: STANDARD.encode(after.get(new.clone()).unwrap_or_default()),
            before: STANDARD.encode(before.get(old).unwrap_or_default()),
            context: context(after, &new),
        };
        FileInverse {
            path: path.to_owned(),
            after: Digest::of(after),
            before: Digest::of(before),
            spans: spans(before, after).into_iter().map(span).collect(),
        }
    }

    /// The file with the change taken back: exactly as it was if it stands as the change left it, else with each span
    /// taken back that stands unchanged at exactly one place, else nothing.
    pub fn restore(&self, now: &[u8]) -> Option<Vec<u8>> {
        let exact = Digest::of(now) == self.after;
        let (mut out, mut done) = (Vec::with_capacity(now.len()), 0);
        for span in &self.spans {
            let (after, before) = (STANDARD.decode(&span.after).ok()?, STANDARD.decode(&span.before).ok()?);
            let start = if exact { usize::try_from(span.offset).ok()? } else { span.find(now, &after)? };
            let end = start + after.len();
            if start < done || now.get(start..end)? != after.as_slice() {
                return None;
            }
            out.extend_from_slice(now.get(done..start)?);
            out.extend_from_slice(&before);
            done = end;
        }
        out.extend_from_slice(now.get(done..)?);
        (!exact || Digest::of(&out) == self.before).then_some(out)
    }
}

impl Span {
    /// Where the lines stand now, if that is one place, with the same lines around it.
    fn find(&self, now: &[u8], after: &[u8]) -> Option<usize> {
        let mut starts = vec![0];
        starts.extend(lines(now).iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        }));
        let open = !after.is_empty() && !after.ends_with(b"\n");
        let stands = |start: &usize| {
            let end = start + after.len();
            let whole = !open || end == now.len();
            whole && now.get(*start..end) == Some(after) && context(now, &(*start..end)) == self.context
        };
        let mut found = starts.into_iter().filter(stands);
        found.next().filter(|_| found.next().is_none())
    }
}

/// The lines above and below a range of lines, as one digest.
fn context(text: &[u8], range: &Range<usize>) -> Digest {
    let above = text.get(..range.start).unwrap_or_default();
    let below = text.get(range.end..).unwrap_or_default();
    let is_break = |byte: &u8| *byte == b'\n';
    // The break that ends the last line above is not one between lines.
    let body = above.strip_suffix(b"\n").unwrap_or(above);
    let head = body.rsplitn(CONTEXT + 1, is_break).take(CONTEXT).map(<[u8]>::len).sum::<usize>();
    let breaks = body.rsplitn(CONTEXT + 1, is_break).take(CONTEXT).count();
    let head = (head + breaks).min(above.len());
    let tail = below.split_inclusive(is_break).take(CONTEXT).map(<[u8]>::len).sum::<usize>();
    let (head, tail) = (above.get(above.len() - head..), below.get(..tail));
    Digest::of_fields("countersign/inverse/context/v1", &[head.unwrap_or_default(), tail.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undo(before: &str, after: &str, now: &str) -> Option<String> {
        let inverse = FileInverse::of("f", before.as_bytes(), after.as_bytes());
        inverse.restore(now.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn it_gives_back_every_byte() {
        for (before, after) in [
            ("a: 1\n", "a: 2\n"),
            ("a: 1\r\nb: 2", "a: 2\r\nb: 2\r\nc: 3"),
            ("", "a: 1\n"),
            ("a\nb\nc\nd\ne\nf\n", "a\nx\nc\nd\ny\nf\nz\n"),
            ("a\nb\n", ""),
            ("same\n", "same\n"),
            ("x\nx\nx\n", "x\nx\n"),
        ] {
            assert_eq!(undo(before, after, after).as_deref(), Some(before), "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_file_that_moved_on_elsewhere_is_still_taken_back() {
        let before = "top: 1\na: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\nend: 9\n";
        let after = before.replace("d: 4", "d: 44");
        let now = format!("# new\n{}", after.replace("end: 9", "end: 10"));
        let wanted = format!("# new\n{}", before.replace("end: 9", "end: 10"));
        assert_eq!(undo(before, &after, &now), Some(wanted));
    }

    #[test]
    fn what_moved_or_stands_twice_is_left_alone() {
        let before = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf: 6\ng: 7\n";
        let after = before.replace("d: 4", "d: 44");
        assert_eq!(undo(before, &after, &after.replace("d: 44", "d: 5")), None, "changed again");
        assert_eq!(undo(before, &after, &after.replace("c: 3", "c: 33")), None, "its neighbour changed");
        assert_eq!(undo(before, &after, &format!("{after}{after}")), None, "edges of the file are context too");
        let twice = format!("x: 0\n{after}y: 0\n{after}");
        assert_eq!(undo(before, &after, &twice), None, "two places");
    }

    #[test]
    fn lines_that_were_taken_out_come_back_in_their_place() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let after = "a\nb\nc\nd\nf\ng\nh\n";
        assert_eq!(undo(before, after, &format!("0\n{after}i\n")), Some(format!("0\n{before}i\n")));
        assert_eq!(undo(before, after, "a\nb\nf\ng\nh\n"), None);
    }

    #[test]
    fn its_bytes_are_pinned() {
        let file = FileEdit {
            path: "a.yaml".into(),
            before: b"a: 1\n".to_vec(),
            after: b"a: 2\n".to_vec(),
            touched: Vec::new(),
        };
        let bytes = Inverse::of(&[file]).bytes();
        let text = String::from_utf8(bytes).expect("text");
        let wanted = concat!(
            r#"{"files":[{"after":"AFTER","before":"BEFORE","path":"a.yaml","#,
            r#""spans":[{"after":"YTogMgo=","before":"YTogMQo=","context":"CONTEXT","offset":0}]}],"version":1}"#
        )
        .replace("AFTER", &Digest::of(b"a: 2\n").to_string())
        .replace("BEFORE", &Digest::of(b"a: 1\n").to_string())
        .replace("CONTEXT", &Digest::of_fields("countersign/inverse/context/v1", &[b"", b""]).to_string());
        assert_eq!(text, wanted);
    }
}
