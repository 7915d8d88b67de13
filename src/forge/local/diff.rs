//! The change of a pull request, for people.
//!
//! Must not decide anything by it: what is signed is the raw diff of `git`.

use super::ledger::Ledger;
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use crate::git::PathChange;
use similar::TextDiff;
use std::fmt::Write as _;

/// Larger files are named, not shown.
const LIMIT: u64 = 1 << 20;

const FILE: u32 = 0o100_000;

impl Ledger {
    /// A unified diff of what a pull request changes, against where it left its base.
    pub(super) fn diff(&self, number: u64) -> Result<String, ForgeError> {
        let (_, record) = self.record(number)?;
        let landing = self.landing(&record)?;
        let head = self.head_of(&record, landing.as_ref())?;
        let base = match &landing {
            Some(landing) => self.bare.commit(&landing.commit)?.parents.first().cloned(),
            None => self.tip(&record.base_ref)?,
        };
        let base = base.ok_or_else(|| ForgeError::NotFound(format!("the branch {}", record.base_ref)))?;
        let fork = self.bare.merge_base(&base, &head)?;
        let mut text = String::new();
        for change in self.bare.changes(&fork.unwrap_or(base), &head)? {
            self.show(&change, &mut text)?;
        }
        Ok(text)
    }

    fn show(&self, change: &PathChange, text: &mut String) -> Result<(), ForgeError> {
        let name = |side: &Option<(u32, Oid)>, prefix: &str| match side {
            Some(_) => format!("{prefix}/{}", change.path),
            None => "/dev/null".to_owned(),
        };
        let (old, new) = (name(&change.old, "a"), name(&change.new, "b"));
        let path = &change.path;
        let _ = writeln!(text, "diff --git a/{path} b/{path}");
        if let (Some((before, _)), Some((after, _))) = (&change.old, &change.new)
            && before != after
        {
            let _ = writeln!(text, "old mode {before:06o}\nnew mode {after:06o}");
        }
        match (self.text(&change.old)?, self.text(&change.new)?) {
            (Some(before), Some(after)) => {
                let lines = TextDiff::from_lines(before.as_str(), after.as_str());
                let _ = write!(text, "{}", lines.unified_diff().header(&old, &new));
            }
            (None, _) | (_, None) => {
                let _ = writeln!(text, "Binary files {old} and {new} differ");
            }
        }
        Ok(())
    }

    /// The text of one side; empty if the path is not there, none if it is not a text of bearable size.
    fn text(&self, side: &Option<(u32, Oid)>) -> Result<Option<String>, ForgeError> {
        let Some((mode, blob)) = side else { return Ok(Some(String::new())) };
        if mode & 0o170_000 != FILE {
            return Ok(None);
        }
        match self.bare.read(blob, LIMIT) {
            Ok(bytes) => Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))),
            Err(crate::git::GitError::TooLarge { .. }) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}
