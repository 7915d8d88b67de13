//! The subcommands, one act each.
//!
//! Must not print.

use super::show::{pull_json, pull_line, pull_text};
use super::{Answer, Command, Mark, Method, Say, Text};
use crate::domain::facts::{Conclusion, MergeMethod, Opinion, PullState};
use crate::forge::Merge;
use crate::forge::local::{Edit, Person};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// More bytes than this are not read from a file.
const LIMIT: u64 = 8 << 20;

pub(super) async fn list(person: &Person, all: bool) -> anyhow::Result<Answer> {
    let mut pulls = person.list().await?;
    pulls.retain(|pull| all || pull.state == PullState::Open);
    let text = pulls.iter().map(pull_line).collect();
    Ok(Answer { text, json: pulls.iter().map(pull_json).collect() })
}

pub(super) async fn act(person: &Person, number: u64, command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::List { all, .. } => list(person, all).await,
        Command::Show(_) => {
            let (pull, comments) = person.show(number).await?;
            Ok(pull_text(&pull, &comments))
        }
        Command::Diff(_) => {
            let diff = person.diff(number).await?;
            Ok(Answer { json: json!({"number": number, "diff": diff}), text: diff })
        }
        Command::Comment { text, .. } => {
            let text = text.read()?.context("a comment needs --body or --body-file")?;
            let id = person.comment(number, &text).await?;
            Ok(done(number, "comment", &format!("comment {id}"), json!({"comment": id})))
        }
        Command::Review { opinion, of, text, .. } => review(person, number, opinion, of, text).await,
        Command::Check { name, conclusion, app, commit, .. } => {
            match commit {
                Some(commit) => person.check_commit(&commit, &name, conclusion.into(), app).await?,
                None => person.check(number, &name, conclusion.into(), app).await?,
            }
            Ok(done(number, "check", "check set", json!({})))
        }
        Command::Label { add, remove, .. } => {
            person.label(number, add, remove).await?;
            Ok(done(number, "label", "labels set", json!({})))
        }
        Command::Edit { title, base, draft, text, .. } => {
            person.edit(number, Edit { title, body: text.read()?, base, draft, locked: None }).await?;
            Ok(done(number, "edit", "edited", json!({})))
        }
        Command::Push { path, from, amend, message, .. } => push(person, number, path, from, amend, &message).await,
        Command::Merge { method, .. } => merge(person, number, method).await,
        Command::Close { reopen: false, .. } => {
            person.close(number).await?;
            Ok(done(number, "close", "closed", json!({})))
        }
        Command::Close { reopen: true, .. } => {
            person.reopen(number).await?;
            Ok(done(number, "close", "open again", json!({})))
        }
    }
}

async fn review(person: &Person, number: u64, say: Say, of: Option<u64>, text: Text) -> anyhow::Result<Answer> {
    match say {
        Say::Approve => person.review(number, Opinion::Approve).await?,
        Say::RequestChanges => person.review(number, Opinion::RequestChanges).await?,
        Say::Comment => person.review(number, Opinion::Comment).await?,
        Say::Dismiss => person.dismiss(number, of.unwrap_or(person.id())).await?,
    }
    if let Some(text) = text.read()? {
        person.comment(number, &text).await?;
    }
    Ok(done(number, "review", "reviewed", json!({})))
}

async fn push(
    person: &Person,
    number: u64,
    path: Option<String>,
    from: Option<PathBuf>,
    amend: bool,
    message: &str,
) -> anyhow::Result<Answer> {
    let head = match path {
        Some(path) if !amend => {
            let bytes = from.as_deref().map(file).transpose()?;
            person.push(number, vec![(path, bytes)], message).await?
        }
        _ => person.amend(number).await?,
    };
    Ok(done(number, "push", &format!("head is {head}"), json!({"head": head})))
}

async fn merge(person: &Person, number: u64, method: Method) -> anyhow::Result<Answer> {
    match person.merge(number, method.into()).await? {
        Merge::Merged(commit) => Ok(done(number, "merge", &format!("merged as {commit}"), json!({"commit": commit}))),
        Merge::NotReady(why) => bail!("not merged: {why}"),
        Merge::Refused(why) => bail!("the merge is refused: {why}"),
    }
}

fn done(number: u64, what: &str, text: &str, more: serde_json::Value) -> Answer {
    let mut json = json!({"number": number, "done": what});
    if let (Some(all), serde_json::Value::Object(more)) = (json.as_object_mut(), more) {
        all.extend(more);
    }
    Answer { text: format!("#{number}: {text}\n"), json }
}

impl Text {
    fn read(self) -> anyhow::Result<Option<String>> {
        let Some(path) = self.body_file else { return Ok(self.body) };
        let bytes = file(&path)?;
        Ok(Some(String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))?))
    }
}

/// The bytes of a file; `-` is standard input.
fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let place = || path.display().to_string();
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(LIMIT + 1).read_to_end(&mut bytes).with_context(place)?;
    } else {
        std::fs::File::open(path).with_context(place)?.take(LIMIT + 1).read_to_end(&mut bytes).with_context(place)?;
    }
    if bytes.len() as u64 > LIMIT {
        bail!("{} has more than {LIMIT} bytes", place());
    }
    Ok(bytes)
}

impl From<Mark> for Conclusion {
    fn from(mark: Mark) -> Conclusion {
        match mark {
            Mark::Pending => Conclusion::Pending,
            Mark::Success => Conclusion::Success,
            Mark::Failure => Conclusion::Failure,
            Mark::Neutral => Conclusion::Neutral,
            Mark::Skipped => Conclusion::Skipped,
            Mark::Cancelled => Conclusion::Cancelled,
            Mark::ActionRequired => Conclusion::ActionRequired,
        }
    }
}

impl From<Method> for MergeMethod {
    fn from(method: Method) -> MergeMethod {
        match method {
            Method::Merge => MergeMethod::Merge,
            Method::Squash => MergeMethod::Squash,
            Method::Rebase => MergeMethod::Rebase,
        }
    }
}
