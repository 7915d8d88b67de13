//! How a pull request looks, to people and to programs.
//!
//! Must not let what others wrote move the cursor or colour the screen: control characters are shown, not sent.

use super::Answer;
use crate::domain::facts::{Check, Mergeable, Pull, PullState, Review, User};
use crate::forge::local::Comment;
use serde_json::{Value, json};
use std::fmt::Write as _;

pub(super) fn pull_json(pull: &Pull) -> Value {
    json!({
        "number": pull.number,
        "state": pull.state,
        "draft": pull.draft,
        "title": pull.title,
        "author": pull.author,
        "base": pull.base_ref,
        "branch": pull.head_ref,
        "head": pull.head,
        "labels": pull.labels,
        "mergeable": mergeable(&pull.mergeable),
        "touched": pull.touched_by_others.map(|at| at.to_string()),
        "merged": pull.merged.as_ref().map(|landed| {
            json!({"commit": landed.commit, "by": landed.by, "at": landed.at.to_string()})
        }),
        "closed_by": pull.closed_by,
    })
}

pub(super) fn pull_line(pull: &Pull) -> String {
    let draft = if pull.draft { " (draft)" } else { "" };
    format!("#{} {}{draft} {} [{}]\n", pull.number, state(pull.state), line(&pull.title), line(&pull.head_ref))
}

pub(super) fn pull_text(pull: &Pull, comments: &[Comment]) -> Answer {
    let mut json = pull_json(pull);
    json["body"] = json!(pull.body);
    json["reviews"] = pull.reviews.iter().map(review_json).collect();
    json["checks"] = pull.checks.iter().map(check_json).collect();
    json["comments"] = comments.iter().map(comment_json).collect();
    Answer { text: describe(pull, comments), json }
}

fn describe(pull: &Pull, comments: &[Comment]) -> String {
    let mut text = pull_line(pull);
    let _ = writeln!(text, "by {}, {} -> {}", name(&pull.author), line(&pull.head_ref), line(&pull.base_ref));
    let _ = writeln!(text, "head {}, mergeable: {}", pull.head, line(mergeable(&pull.mergeable)));
    if !pull.labels.is_empty() {
        let _ = writeln!(text, "labels: {}", line(&pull.labels.join(", ")));
    }
    if let Some(landed) = &pull.merged {
        let _ = writeln!(text, "merged as {} by {} at {}", landed.commit, name(&landed.by), landed.at);
    }
    if let Some(by) = &pull.closed_by {
        let _ = writeln!(text, "closed by {}", name(by));
    }
    for check in &pull.checks {
        let _ = writeln!(text, "check {} (app {}): {}", line(&check.name), check.app, word(&json!(check.conclusion)));
    }
    for review in &pull.reviews {
        let right = if review.can_write { "" } else { ", may not write" };
        let opinion = word(&json!(review.opinion));
        let _ = writeln!(text, "review by {}{right}: {opinion} of {}", name(&review.by), review.head.short());
    }
    let _ = write!(text, "\n{}\n", lines(&pull.body));
    for comment in comments {
        let _ = write!(text, "\n--- {} at {}\n{}\n", name(&comment.by), comment.at, lines(&comment.text));
    }
    text
}

fn review_json(review: &Review) -> Value {
    json!({
        "by": review.by,
        "can_write": review.can_write,
        "opinion": review.opinion,
        "head": review.head,
        "at": review.at.to_string(),
    })
}

fn check_json(check: &Check) -> Value {
    json!({"name": check.name, "app": check.app, "head": check.head, "conclusion": check.conclusion})
}

fn comment_json(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "by": comment.by,
        "can_write": comment.can_write,
        "key": comment.key,
        "text": comment.text,
        "at": comment.at.to_string(),
        "edited": comment.edited.map(|at| at.to_string()),
    })
}

fn mergeable(answer: &Mergeable) -> &str {
    match answer {
        Mergeable::Yes => "yes",
        Mergeable::No(why) => why,
        Mergeable::Unknown => "unknown",
    }
}

fn state(state: PullState) -> &'static str {
    match state {
        PullState::Open => "open",
        PullState::Closed => "closed",
        PullState::Merged => "merged",
    }
}

fn name(user: &User) -> String {
    format!("{} ({})", line(&user.login), user.id)
}

/// The word of an enum in JSON.
fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('_', "-")
}

/// One line, with control and direction characters escaped.
fn line(text: &str) -> String {
    text.chars().flat_map(shown).collect()
}

/// Several lines, with all other control and direction characters escaped.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn shown(c: char) -> Vec<char> {
    let turning = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    if (c.is_control() && c != '\t') || turning { c.escape_unicode().collect() } else { vec![c] }
}
