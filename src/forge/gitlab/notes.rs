//! Notes of a merge request: ours by a hidden key, everybody's as comments.
//!
//! Must not take a note of somebody else for ours, whatever it says.

use super::act::fits;
use super::answers::{Note, Written};
use super::quiet::quiet;
use super::{GitlabForge, built};
use crate::domain::facts::Comment;
use crate::domain::ids::Time;
use crate::forge::ForgeError;
use gitlab::api::common::SortOrder;
use gitlab::api::projects::merge_requests::notes::{
    CreateMergeRequestNote, EditMergeRequestNote, MergeRequestNotes, NoteOrderBy,
};
use std::collections::BTreeSet;

/// The most notes that are read, the newest ones.
const MOST: usize = 2_000;
/// Microseconds between writing and saving that are no edit.
const SLACK: i64 = 1_000_000;

impl GitlabForge {
    /// The notes of a merge request, oldest first; of very many, the newest.
    pub(super) async fn notes(&self, number: u64) -> Result<Vec<Note>, ForgeError> {
        let mut builder = MergeRequestNotes::builder();
        builder.project(self.project).merge_request(number);
        builder.order_by(NoteOrderBy::CreatedAt).sort(SortOrder::Descending);
        let mut notes: Vec<Note> = self.list(built(builder.build())?, MOST).await?;
        // A note written while pages were read pushes others onto the next page, where they come again.
        let mut seen = BTreeSet::new();
        notes.retain(|note| seen.insert(note.id));
        notes.reverse();
        Ok(notes)
    }

    /// Writes our one note of this key, or edits it; answers its number.
    pub(super) async fn say(&self, number: u64, key: &str, text: &str) -> Result<u64, ForgeError> {
        let body = format!("{}\n{}", marker(key), quiet(text).trim());
        fits(&body)?;
        let bot = self.bot().await?.id;
        let notes = self.notes(number).await?;
        let ours = notes.iter().find(|note| note.author.id == bot && !note.system && has_key(&note.body, key));
        let written: Written = match ours {
            Some(note) if note.body.trim_end() == body => return Ok(note.id),
            Some(note) => {
                let mut builder = EditMergeRequestNote::builder();
                builder.project(self.project).merge_request(number).note(note.id).body(body);
                self.one(built(builder.build())?).await?
            }
            None => {
                let mut builder = CreateMergeRequestNote::builder();
                builder.project(self.project).merge_request(number).body(body);
                self.one(built(builder.build())?).await?
            }
        };
        Ok(written.id)
    }

    /// What people and bots wrote, oldest first.
    pub(super) async fn said(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let me = self.bot().await?.id;
        let mut comments = Vec::new();
        for note in self.notes(number).await?.into_iter().filter(|note| !note.system) {
            let bot = note.author.id == me || self.is_bot(note.author.id).await?;
            comments.push(Comment {
                id: note.id,
                bot,
                at: note.created_at.unwrap_or_default(),
                edited: edited(note.created_at, note.updated_at),
                by: note.author.into(),
                text: note.body,
            });
        }
        Ok(comments)
    }
}

/// The hidden first line of our note of this key.
fn marker(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.') { c } else { '_' };
    format!("<!-- countersign {} -->", key.chars().map(plain).collect::<String>())
}

fn has_key(body: &str, key: &str) -> bool {
    body.lines().next() == Some(marker(key).as_str())
}

/// When a note was last edited; resolving it counts as well, which GitLab does not tell apart.
fn edited(written: Option<Time>, saved: Option<Time>) -> Option<Time> {
    let since = written?;
    saved.filter(|saved| saved.0.saturating_sub(since.0) > SLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_first_line_and_nothing_else() {
        let body = format!("{}\ntext", marker("notice"));
        assert!(has_key(&body, "notice") && has_key(&marker("notice"), "notice"));
        assert!(!has_key(&body, "notic") && !has_key(&format!("more\n{body}"), "notice"));
        assert_eq!(marker("a --> b"), "<!-- countersign a_____b -->");
    }

    #[test]
    fn saving_at_once_is_no_edit() {
        let at = |micros: i64| Some(Time(1_700_000_000_000_000 + micros));
        assert_eq!(edited(at(0), at(900_000)), None);
        assert_eq!(edited(at(0), at(2_000_000)), at(2_000_000));
        assert_eq!(edited(at(0), None), None);
        assert_eq!(edited(None, at(0)), None);
    }
}
