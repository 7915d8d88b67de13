//! Commands that people write on pull requests: what they say, who may say it, and what they come to.
//!
//! Must not do anything: an answer is chosen here, written by others, and marks the record.

mod answer;
mod state;
mod succeed;
mod values;

pub(super) use answer::answering;
pub use answer::{Answer, Effect, Show};
pub use state::{Commands, Hold, Waiver, heeds, listens};
pub(super) use state::{answered, over_due};
pub use succeed::Successor;
pub(super) use succeed::takes_back;

use crate::domain::facts::{Comment, Right};

/// The word every command begins with.
const WORD: &str = "/countersign";
/// The most characters of a command's line.
const MOST_LINE: usize = 4_000;

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Where it is.
    Status,
    /// Every gate and its reason.
    Explain,
    /// What the attestation comes to now.
    Verify,
    /// Apply it again on the newest base.
    Rebase,
    /// Do not merge it by itself.
    Hold,
    /// Take a hold back, and a stop if the writer may.
    Release,
    /// Merge it though its class has not earned that.
    Merge,
    /// Take it back where it landed.
    Revert,
    /// Forget that it was closed.
    Reopen,
    /// Leave the whole repository alone.
    Stop,
    /// Close it, for this reason.
    Reject(String),
    /// Propose it again with another value.
    Set {
        /// The place, as the proposal names it.
        path: String,
        /// The value.
        value: String,
    },
}

/// A comment's first line that begins with the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// A command.
    Command(Command),
    /// Something else, and what to write instead.
    Unknown(String),
}

/// The list of commands, for an answer.
pub const KNOWN: &str =
    "status, explain, verify, rebase, hold, release, merge, revert, reopen, stop, reject <reason>, set <path>=<value>";

/// What a comment asks of us; none for bots, for comments that were edited, and for everything that is no command.
pub fn heard(comment: &Comment, bot: u64) -> Option<Spoken> {
    if comment.bot || comment.by.id == bot || comment.edited.is_some() {
        return None;
    }
    spoken(&comment.text)
}

/// Reads a comment's text: its first line that is not blank, from the first column.
///
/// What is quoted, indented or fenced does not begin with the word; the lines below it are for people.
pub fn spoken(text: &str) -> Option<Spoken> {
    let line = text.lines().find(|line| !line.trim().is_empty())?.trim_end();
    let rest = line.strip_prefix(WORD)?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    if line.chars().count() > MOST_LINE {
        return Some(Spoken::Unknown(format!("a command may have {MOST_LINE} characters")));
    }
    let rest = rest.trim();
    let (verb, words) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some(match command(&verb.to_ascii_lowercase(), words.trim()) {
        Ok(command) => Spoken::Command(command),
        Err(why) => Spoken::Unknown(why),
    })
}

fn command(verb: &str, words: &str) -> Result<Command, String> {
    let plain = match verb {
        "reject" if words.is_empty() => return Err("say why: `reject <reason>`".into()),
        "reject" => return Ok(Command::Reject(words.to_owned())),
        "set" => return set(words),
        // A reason may follow these two.
        "hold" => return Ok(Command::Hold),
        "stop" => return Ok(Command::Stop),
        "status" => Command::Status,
        "explain" => Command::Explain,
        "verify" => Command::Verify,
        "rebase" => Command::Rebase,
        "release" => Command::Release,
        "merge" => Command::Merge,
        "revert" => Command::Revert,
        "reopen" => Command::Reopen,
        _ => return Err(format!("the commands are {KNOWN}")),
    };
    if words.is_empty() { Ok(plain) } else { Err(format!("`{verb}` stands alone on its line")) }
}

/// `path=value`, split at the first `=` outside of brackets and quotes.
fn set(words: &str) -> Result<Command, String> {
    let (mut depth, mut quoted) = (0_u32, false);
    for (at, c) in words.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            '=' if !quoted && depth == 0 => {
                let (path, value) = (words[..at].trim(), words[at + 1..].trim());
                if path.is_empty() || value.is_empty() {
                    break;
                }
                return Ok(Command::Set { path: path.to_owned(), value: value.to_owned() });
            }
            _ => {}
        }
    }
    Err("write it as `set <path>=<value>`".into())
}

impl Command {
    /// The verb.
    pub fn verb(&self) -> &'static str {
        match self {
            Command::Status => "status",
            Command::Explain => "explain",
            Command::Verify => "verify",
            Command::Rebase => "rebase",
            Command::Hold => "hold",
            Command::Release => "release",
            Command::Merge => "merge",
            Command::Revert => "revert",
            Command::Reopen => "reopen",
            Command::Stop => "stop",
            Command::Reject(_) => "reject",
            Command::Set { .. } => "set",
        }
    }

    /// What its writer must be allowed to do in the repository.
    pub fn needs(&self) -> Right {
        match self {
            Command::Status | Command::Explain | Command::Verify => Right::Read,
            Command::Rebase
            | Command::Hold
            | Command::Release
            | Command::Merge
            | Command::Revert
            | Command::Reopen
            | Command::Stop
            | Command::Reject(_)
            | Command::Set { .. } => Right::Write,
        }
    }
}

#[cfg(test)]
mod tests;
