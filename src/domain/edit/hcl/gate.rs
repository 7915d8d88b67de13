//! Lets a file in, or not: size, UTF-8, byte order mark, nesting and the work a parser would have.
//!
//! Must not know what an edit wants.

use super::tokens::{self, DEPTH, Kind, Token};
use crate::domain::edit::{Code, Refusal};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::Body;

const LARGEST: usize = 8 << 20;
/// Finding a key twice takes the parser quadratic time: bounds the sum of squared object sizes.
const WORK: usize = 200_000_000;
const MARK: &str = "\u{feff}";

/// A file as text, read twice: as tokens and as a tree with spans.
pub(super) struct Doc {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) body: Body,
}

/// Takes the byte order mark off a file's text; the flag says whether there was one.
pub(super) fn open(bytes: &[u8]) -> Result<(bool, &str), Refusal> {
    if bytes.len() > LARGEST {
        return Err(Refusal::of(Code::TooLarge, format!("the file has {} bytes; 8 MiB is the limit", bytes.len())));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Refusal::of(Code::NotUtf8, "the file is not UTF-8 text"));
    };
    Ok(text.strip_prefix(MARK).map_or((false, text), |rest| (true, rest)))
}

/// Puts the byte order mark back.
pub(super) fn close(marked: bool, text: &str) -> Vec<u8> {
    let mark = if marked { MARK } else { "" };
    [mark.as_bytes(), text.as_bytes()].concat()
}

impl Doc {
    /// Reads a text without a byte order mark.
    pub(super) fn read(text: String) -> Result<Doc, Refusal> {
        if text.len() > LARGEST {
            return Err(Refusal::of(Code::TooLarge, "the file would be larger than 8 MiB"));
        }
        let tokens = tokens::lex(&text)?;
        if work(&tokens) > WORK {
            return Err(Refusal::of(Code::TooLarge, "an object of the file has too many keys"));
        }
        let body = parse_body(&text).map_err(|error| parse_refusal(&error))?;
        Ok(Doc { text, tokens, body })
    }

    /// The line end the file uses.
    pub(super) fn eol(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
            _ => "\n",
        }
    }

    /// The text of a span.
    pub(super) fn part(&self, span: &std::ops::Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or("")
    }

    /// The tokens that begin inside a span.
    pub(super) fn within(&self, span: &std::ops::Range<usize>) -> &[Token] {
        let first = self.tokens.partition_point(|token| token.start < span.start);
        let last = self.tokens.partition_point(|token| token.start < span.end);
        self.tokens.get(first..last).unwrap_or(&[])
    }
}

/// Turns the parser's complaint into a refusal of one line.
pub(super) fn parse_refusal(error: &hcl_edit::parser::Error) -> Refusal {
    let message = error.message();
    let code = match message {
        _ if message.contains("at most") => Code::TooLarge,
        _ if message.contains("redefined") => Code::DuplicateKey,
        _ => Code::Parse,
    };
    let place = error.location();
    Refusal::of(code, format!("line {}, column {}: {message}", place.line(), place.column()))
}

fn work(tokens: &[Token]) -> usize {
    let mut open = Vec::with_capacity(DEPTH);
    let mut sum = 0_usize;
    for token in tokens {
        match (token.kind, open.last_mut()) {
            (Kind::Open, _) => open.push(0_usize),
            (Kind::Close, Some(count)) => {
                sum = sum.saturating_add(count.saturating_mul(*count));
                open.pop();
            }
            (Kind::Assign | Kind::Colon, Some(count)) => *count += 1,
            _ => {}
        }
    }
    sum
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> Option<Code> {
        let read = open(bytes).and_then(|(_, text)| Doc::read(text.to_owned()).map(|_| ()));
        read.err().map(|refusal| refusal.code)
    }

    #[test]
    fn files_pass_or_are_refused() {
        let many: String = (0..20_000).map(|n| format!("  k{n} = {n}\n")).collect();
        let table: [(&str, Vec<u8>, Option<Code>); 9] = [
            ("plain", b"a = 1\n".to_vec(), None),
            ("marked", b"\xef\xbb\xbfa = 1\r\n".to_vec(), None),
            ("latin", b"a = \"\xe9\"\n".to_vec(), Some(Code::NotUtf8)),
            ("large", vec![b'\n'; LARGEST + 1], Some(Code::TooLarge)),
            ("brackets", ["a = ".to_owned(), "[".repeat(10_000)].concat().into(), Some(Code::TooLarge)),
            ("signs", ["a = ".to_owned(), "-".repeat(10_000), "1\n".to_owned()].concat().into(), Some(Code::TooLarge)),
            (
                "chain",
                ["a = 1".to_owned(), "+ 1".repeat(10_000), "\n".to_owned()].concat().into(),
                Some(Code::TooLarge),
            ),
            ("keys", format!("a = {{\n{many}}}\n").into(), Some(Code::TooLarge)),
            ("broken", b"a = \n".to_vec(), Some(Code::Parse)),
        ];
        for (name, bytes, wanted) in table {
            assert_eq!(code(&bytes), wanted, "{name}");
        }
    }
}
