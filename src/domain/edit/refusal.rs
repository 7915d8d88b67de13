//! Why an edit was not made: a closed list of codes with the place and a sentence.

use serde::Serialize;
use std::fmt;

/// The closed list of reasons not to edit; `docs/refusals.md` has a heading for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The file, document, block, key or element is not there.
    NotFound,
    /// The key to add is there already.
    Exists,
    /// More than one document or element fits.
    Ambiguous,
    /// An element is asked of something that is no literal list.
    NotList,
    /// The edit would change other places through an anchor.
    AnchorShared,
    /// The path crosses a map that has a key twice.
    DuplicateKey,
    /// The file cannot be read as its format, or the change cannot be understood.
    Parse,
    /// The file is a template (Go, Jinja, ERB), not a document.
    Template,
    /// The file is encrypted (SOPS).
    Encrypted,
    /// The file, its nodes or its expanded aliases are over the limit.
    TooLarge,
    /// The file is not UTF-8 text.
    NotUtf8,
    /// The path may not be written.
    PathForbidden,
    /// The path is, or leads through, a symbolic link or a submodule.
    Link,
    /// Two changes touch the same place.
    Overlap,
    /// More bytes would move than the edit means to touch.
    NotMinimal,
    /// The result, parsed again, is not exactly what was wanted.
    ProofFailed,
}

impl Code {
    /// All of them, in the order of `docs/refusals.md`.
    pub const ALL: [Code; 16] = [
        Code::NotFound,
        Code::Exists,
        Code::Ambiguous,
        Code::NotList,
        Code::AnchorShared,
        Code::DuplicateKey,
        Code::Parse,
        Code::Template,
        Code::Encrypted,
        Code::TooLarge,
        Code::NotUtf8,
        Code::PathForbidden,
        Code::Link,
        Code::Overlap,
        Code::NotMinimal,
        Code::ProofFailed,
    ];
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

/// An edit that was not made; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Which kind of reason.
    pub code: Code,
    /// The file, relative to the repository's root.
    pub file: String,
    /// The document of the file, counting from 0, where one was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
    /// The path inside the document, as far as it matters.
    pub path: String,
    /// One sentence for a person, with what to do next where something can be done.
    pub reason: String,
}

impl Refusal {
    /// Makes a refusal that is about a whole file.
    pub fn of(code: Code, reason: impl Into<String>) -> Refusal {
        Refusal { code, file: String::new(), document: None, path: String::new(), reason: reason.into() }
    }

    /// Names the place inside the document.
    #[must_use]
    pub fn at(mut self, path: impl fmt::Display) -> Refusal {
        self.path = path.to_string();
        self
    }

    /// Names the file.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Refusal {
        file.clone_into(&mut self.file);
        self
    }

    /// Names the document.
    #[must_use]
    pub fn in_document(mut self, document: usize) -> Refusal {
        self.document = Some(document);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.file)?;
        if let Some(document) = self.document {
            write!(out, " document {document}")?;
        }
        if !self.path.is_empty() {
            write!(out, " at {}", self.path)?;
        }
        write!(out, ": {}", self.reason)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_refusals_has_a_heading_for_each_code() {
        let page = include_str!("../../../docs/refusals.md");
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(headings, Code::ALL.map(|code| code.to_string()));
        // The last code of the enum is the last of the list: one that is added is missed here, or in `ALL`.
        assert_eq!(Code::ALL.last().map(|code| *code as usize + 1), Some(Code::ALL.len()));
        for part in page.split("## ").skip(1) {
            assert!(part.lines().skip(1).any(|line| line.len() > 20), "{part}: says what to do");
        }
    }
}
