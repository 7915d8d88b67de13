//! Cuts HCL text into tokens with byte spans, comments and line ends included.
//!
//! Must not share anything with the parser that finds places: the proof rests on this reading being a second one.

use crate::domain::edit::{Code, Refusal};

/// How deep brackets or templates may nest.
pub(super) const DEPTH: usize = 64;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Newline,
    Comment,
    Word,
    Number,
    Text,
    Heredoc,
    Open,
    Close,
    Comma,
    Assign,
    Colon,
    Mark,
}

/// A token and the bytes it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    /// The token's own text.
    pub(super) fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// Whether the token says nothing: a line end or a comment.
    pub(super) fn is_layout(&self) -> bool {
        matches!(self.kind, Kind::Newline | Kind::Comment)
    }

    /// Whether the token is a comment that runs to the end of its line.
    pub(super) fn is_line_comment(&self, text: &str) -> bool {
        self.kind == Kind::Comment && !self.of(text).starts_with("/*")
    }
}

/// Cuts a text into tokens; white space is what lies between them.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Refusal> {
    lex_counted(text, &mut 0)
}

/// The same, counting the tokens as they are cut, so that the count stands where it is refused too.
pub(super) fn lex_counted(text: &str, count: &mut usize) -> Result<Vec<Token>, Refusal> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    while let Some(token) = lexer.next()? {
        *count += 1;
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return Err(lexer.too_deep());
        }
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Token>, Refusal> {
        while matches!(self.peek(0), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        let start = self.at;
        let Some(first) = self.peek(0) else { return Ok(None) };
        let kind = match first {
            b'\n' => self.take(1, Kind::Newline),
            b'#' => self.line_comment(),
            b'/' if self.peek(1) == Some(b'/') => self.line_comment(),
            b'/' if self.peek(1) == Some(b'*') => self.block_comment()?,
            b'"' => self.quoted()?,
            b'<' if self.peek(1) == Some(b'<') => self.heredoc()?,
            b'0'..=b'9' => self.number(),
            c if is_word(c) && c != b'-' => self.word(),
            c => self.mark(c)?,
        };
        Ok(Some(Token { kind, start, end: self.at }))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    fn word(&mut self) -> Kind {
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
        Kind::Word
    }

    fn number(&mut self) -> Kind {
        self.digits();
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.digits();
        }
        let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
        if matches!(self.peek(0), Some(b'e' | b'E')) && self.peek(1 + sign).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1 + sign;
            self.digits();
        }
        Kind::Number
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn line_comment(&mut self) -> Kind {
        let rest = self.rest();
        let line = rest.find('\n').map_or(rest, |end| rest.get(..end).unwrap_or(rest));
        let len = line.strip_suffix('\r').unwrap_or(line).len();
        self.take(len, Kind::Comment)
    }

    fn block_comment(&mut self) -> Result<Kind, Refusal> {
        match self.rest().get(2..).and_then(|rest| rest.find("*/")) {
            Some(len) => Ok(self.take(len + 4, Kind::Comment)),
            None => Err(self.fault("a comment does not end")),
        }
    }

    fn quoted(&mut self) -> Result<Kind, Refusal> {
        let mut open = vec![b'"'];
        self.at += 1;
        while let Some(&inside) = open.last() {
            let Some(c) = self.peek(0) else { return Err(self.fault("a string does not end")) };
            self.at += 1;
            match (inside, c) {
                (b'"', b'\\') => self.at += 1,
                (b'"', b'\n') => return Err(self.fault("a string does not end on its line")),
                (b'"', b'$' | b'%') if self.peek(0) == Some(c) && self.peek(1) == Some(b'{') => self.at += 2,
                (b'"', b'$' | b'%') if self.peek(0) == Some(b'{') => {
                    self.at += 1;
                    open.push(b'{');
                }
                (b'"', b'"') | (b'{', b'}') => {
                    open.pop();
                }
                (b'{', b'"' | b'{') => open.push(c),
                _ => {}
            }
            if open.len() > 2 * DEPTH {
                return Err(self.too_deep());
            }
        }
        Ok(Kind::Text)
    }

    fn heredoc(&mut self) -> Result<Kind, Refusal> {
        let Some((word, head)) = heredoc_head(self.rest()) else { return Ok(self.take(1, Kind::Mark)) };
        let mut len = head;
        for line in self.rest().get(head..).unwrap_or("").split_inclusive('\n') {
            if line.trim() == word {
                return Ok(self.take(len + line.trim_end().len(), Kind::Heredoc));
            }
            len += line.len();
        }
        Err(self.fault("a heredoc does not end"))
    }

    fn mark(&mut self, first: u8) -> Result<Kind, Refusal> {
        let pair = [first, self.peek(1).unwrap_or(0)];
        if self.rest().starts_with("...") {
            return Ok(self.take(3, Kind::Mark));
        }
        if matches!(&pair, b"==" | b"!=" | b"<=" | b">=" | b"&&" | b"||" | b"=>" | b"::") {
            return Ok(self.take(2, Kind::Mark));
        }
        match first {
            b'{' | b'[' | b'(' => Ok(self.take(1, Kind::Open)),
            b'}' | b']' | b')' => Ok(self.take(1, Kind::Close)),
            b',' => Ok(self.take(1, Kind::Comma)),
            b'=' => Ok(self.take(1, Kind::Assign)),
            b':' => Ok(self.take(1, Kind::Colon)),
            b'.' | b'?' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'&' | b'|' => {
                Ok(self.take(1, Kind::Mark))
            }
            _ => Err(self.fault("a character that HCL does not know")),
        }
    }

    fn line(&self) -> usize {
        1 + self.bytes.iter().take(self.at).filter(|c| **c == b'\n').count()
    }

    fn fault(&self, what: &str) -> Refusal {
        Refusal::of(Code::Parse, format!("{what} in line {}", self.line()))
    }

    fn too_deep(&self) -> Refusal {
        Refusal::of(Code::TooLarge, format!("more than {DEPTH} nested levels in line {}", self.line()))
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | 0x80..)
}

fn heredoc_head(rest: &str) -> Option<(&str, usize)> {
    let line = rest.split_inclusive('\n').next()?;
    let name = line.strip_prefix("<<")?;
    let word = name.strip_prefix('-').unwrap_or(name).strip_suffix('\n')?.trim_end_matches([' ', '\t', '\r']);
    let plain = word.bytes().all(is_word) && word.bytes().next().is_some_and(|c| !c.is_ascii_digit() && c != b'-');
    plain.then_some((word, line.len()))
}

/// What a quoted literal says, or nothing if it holds a template.
pub(super) fn unquote(quoted: &str) -> Option<String> {
    let mut chars = quoted.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut said = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' => said.push(escape(&mut chars)?),
            '$' | '%' => {
                let rest = chars.as_str();
                if rest.starts_with('{') {
                    return None;
                }
                said.push(c);
                if rest.starts_with(c) && rest.get(1..).is_some_and(|rest| rest.starts_with('{')) {
                    chars.nth(1);
                    said.push('{');
                }
            }
            c => said.push(c),
        }
    }
    Some(said)
}

fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        c @ ('"' | '\\') => Some(c),
        'u' => code_point(chars, 4),
        'U' => code_point(chars, 8),
        _ => None,
    }
}

fn code_point(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let hex = chars.as_str().get(..digits)?;
    chars.nth(digits - 1);
    char::from_u32(u32::from_str_radix(hex, 16).ok()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_tokens() {
        let cut = |text: &str| -> Vec<String> {
            lex(text).expect(text).iter().map(|t| format!("{:?} {}", t.kind, t.of(text).escape_debug())).collect()
        };
        let table: [(&str, &[&str]); 9] = [
            ("a-b = 1.5e3", &["Word a-b", "Assign =", "Number 1.5e3"]),
            ("# x\r\n//y", &["Comment # x", "Newline \\n", "Comment //y"]),
            ("/* a\nb */c", &["Comment /* a\\nb */", "Word c"]),
            (r#""a${"}"}$${b""#, &[r#"Text \"a${\"}\"}$${b\""#]),
            ("<<-E\n  x\n  E\nq", &["Heredoc <<-E\\n  x\\n  E", "Newline \\n", "Word q"]),
            ("a << b", &["Word a", "Mark <", "Mark <", "Word b"]),
            ("x=>y==z...", &["Word x", "Mark =>", "Word y", "Mark ==", "Word z", "Mark ..."]),
            ("[é,]", &["Open [", "Word é", "Comma ,", "Close ]"]),
            ("p::f(1-2)", &["Word p", "Mark ::", "Word f", "Open (", "Number 1", "Mark -", "Number 2", "Close )"]),
        ];
        for (text, wanted) in table {
            assert_eq!(cut(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_does_not_end_or_nests_too_deep_is_refused() {
        let deep = "(".repeat(10_000);
        let templates = "\"${".repeat(10_000);
        let table =
            [("\"a", Code::Parse), ("\"a\n\"", Code::Parse), ("/* ", Code::Parse), ("a = <<E\nx\n", Code::Parse)];
        for (text, code) in table {
            assert_eq!(lex(text).expect_err(text).code, code, "{text}");
        }
        assert_eq!(lex(&deep).expect_err("deep").code, Code::TooLarge);
        assert_eq!(lex(&templates).expect_err("templates").code, Code::TooLarge);
    }

    #[test]
    fn quoted_literals_say_their_text() {
        let table = [
            (r#""a\n\"b\\""#, Some("a\n\"b\\")),
            (r#""$${x} %%{y} $5 100%""#, Some("${x} %{y} $5 100%")),
            (r#""$$${x}""#, Some("$${x}")),
            (r#""\u00e9\U0001F600""#, Some("é😀")),
            (r#""${x}""#, None),
            (r#""%{ if x }""#, None),
        ];
        for (quoted, wanted) in table {
            assert_eq!(unquote(quoted).as_deref(), wanted, "{quoted}");
        }
    }
}
