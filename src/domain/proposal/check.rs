//! The limits of every field: lengths, characters, ranges.
//!
//! Must not look at anything but the proposal itself.

mod helm;
mod kinds;
mod kustomize;

use super::{Proposal, Target};
use crate::domain::canon::Malformed;
use crate::domain::change::{Change, Edit, Manifest};
use crate::domain::ids::Time;

/// Judges what the types cannot: lengths, characters, ranges.
pub(super) fn check(proposal: &Proposal) -> Result<(), Malformed> {
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if let Some(id) = &proposal.id {
        demand(
            (1..=64).contains(&id.len()) && id.chars().all(token) && id.chars().any(|c| c != '.'),
            "id",
            "use 1 to 64 of A-Z a-z 0-9 . _ - and not only dots",
        )?;
    }
    text(&proposal.repository.name, "repository.name", 200)?;
    demand(!proposal.repository.name.contains(char::is_whitespace), "repository.name", "must not hold white space")?;
    optional(proposal.repository.base.as_deref(), "repository.base", 200)?;
    optional(proposal.environment.as_deref(), "environment", 64)?;
    target(&proposal.target, "target")?;
    demand((1..=32).contains(&proposal.changes.len()), "changes", "give 1 to 32 changes")?;
    for (n, change) in proposal.changes.iter().enumerate() {
        check_change(change, &format!("changes[{n}]"))?;
    }
    kinds::check(proposal)?;
    people(&proposal.reason, "reason", 4000)?;
    check_evidence(proposal)?;
    if let Some(confidence) = &proposal.confidence {
        let digits = confidence.len() <= 6 && confidence.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let within = confidence.parse::<f64>().is_ok_and(|c| (0.0..=1.0).contains(&c));
        demand(digits && within, "confidence", "write 0 to 1 as text, as \"0.93\"")?;
    }
    people(&proposal.rollback.description, "rollback.description", 1000)?;
    check_circumstances(proposal)
}

fn check_evidence(proposal: &Proposal) -> Result<(), Malformed> {
    demand(proposal.evidence.len() <= 16, "evidence", "at most 16 entries")?;
    for (n, evidence) in proposal.evidence.iter().enumerate() {
        let at = |field: &str| format!("evidence[{n}].{field}");
        text(&evidence.title, &at("title"), 200)?;
        optional(evidence.url.as_deref(), &at("url"), 2000)?;
        let web = evidence.url.as_deref().is_none_or(|url| url.starts_with("https://") || url.starts_with("http://"));
        demand(web, &at("url"), "must begin with https:// or http://")?;
        optional(evidence.digest.as_deref(), &at("digest"), 80)?;
    }
    Ok(())
}

fn check_circumstances(proposal: &Proposal) -> Result<(), Malformed> {
    if let Some(radius) = &proposal.blast_radius {
        demand(radius.environments.len() <= 16, "blastRadius.environments", "at most 16 entries")?;
        demand(radius.objects.len() <= 64, "blastRadius.objects", "at most 64 entries")?;
        for (n, environment) in radius.environments.iter().enumerate() {
            text(environment, &format!("blastRadius.environments[{n}]"), 64)?;
        }
        for (n, object) in radius.objects.iter().enumerate() {
            target(object, &format!("blastRadius.objects[{n}]"))?;
        }
    }
    if let Some(plan) = &proposal.plan {
        text(&plan.id, "plan.id", 64)?;
        demand(plan.step >= 1, "plan.step", "steps count from 1")?;
        demand(plan.after.len() <= 16, "plan.after", "at most 16 entries")?;
        for (n, before) in plan.after.iter().enumerate() {
            let place = format!("plan.after[{n}]");
            text(before, &place, 64)?;
            demand(Some(before) != proposal.id.as_ref(), &place, "a step cannot wait for itself")?;
        }
    }
    text(&proposal.proposer.id, "proposer.id", 128)?;
    optional(proposal.proposer.display.as_deref(), "proposer.display", 128)?;
    optional(proposal.proposer.version.as_deref(), "proposer.version", 64)?;
    optional(proposal.fingerprint.as_deref(), "fingerprint", 128)?;
    if let Some(at) = &proposal.expires_at {
        at.parse::<Time>().map_err(|reason| Malformed::at("expiresAt", reason))?;
    }
    demand(proposal.approvals.len() <= 8, "approvals", "at most 8 tokens")
}

fn check_change(change: &Change, at: &str) -> Result<(), Malformed> {
    let (engine, file, edits, anything) = match change {
        Change::Helm(c) => {
            helm::check(c, &format!("{at}.helm"))?;
            ("helm", c.values.as_ref().or(c.chart.as_ref()), &c.edits, c.is_of_values() || c.is_of_chart())
        }
        Change::Kustomize(c) => {
            kustomize::check(c, &format!("{at}.kustomize"))?;
            ("kustomize", c.file.as_ref().or(c.directory.as_ref()), &c.edits, !c.is_plain())
        }
        Change::Manifest(c) => return check_manifest(c, &format!("{at}.manifest")),
        Change::Revert(c) => {
            let at = format!("{at}.revert");
            demand(c.what().is_some(), &at, "give exactly one of `commit` and `proposal`")?;
            return optional(c.proposal.as_deref(), &format!("{at}.proposal"), 64);
        }
        Change::Terraform(c) => {
            let one = c.file.is_some() != c.directory.is_some();
            demand(one, &format!("{at}.terraform"), "give either `file` or `directory`")?;
            ("terraform", c.file.as_ref().or(c.directory.as_ref()), &c.edits, c.has_words())
        }
    };
    let at = format!("{at}.{engine}");
    demand(anything || !edits.is_empty(), &at, "asks for nothing: give at least one edit")?;
    if let Some(file) = file {
        text(file, &format!("{at}.file"), 512)?;
    }
    check_edits(edits, &at)
}

fn check_manifest(change: &Manifest, at: &str) -> Result<(), Malformed> {
    let place = |word: &str| format!("{at}.{word}");
    demand(change.asks(), at, "asks for nothing: give at least one word or edit")?;
    demand(change.file.is_none() || change.directory.is_none(), at, "give either `file` or `directory`")?;
    optional(change.file.as_deref(), &place("file"), 512)?;
    optional(change.directory.as_deref(), &place("directory"), 512)?;
    demand(change.json_patch.len() <= 64, &place("jsonPatch"), "at most 64 steps")?;
    demand(change.images.len() <= 64, &place("images"), "at most 64 images")?;
    for (n, image) in change.images.iter().enumerate() {
        let asks = image.new_name.is_some() || image.new_tag.is_some() || image.digest.is_some();
        demand(asks, &format!("{at}.images[{n}]"), "give a `newName`, a `newTag` or a `digest`")?;
    }
    demand(change.texts.len() <= 16, &place("texts"), "at most 16 texts")?;
    for (n, text) in change.texts.iter().enumerate() {
        let at = format!("{at}.texts[{n}]");
        let anything = !text.set.is_empty() || !text.remove.is_empty() || !text.edits.is_empty();
        demand(anything, &at, "asks for nothing: give at least one edit")?;
        check_edits(&text.edits, &at)?;
    }
    check_edits(&change.edits, at)
}

fn check_edits(edits: &[Edit], at: &str) -> Result<(), Malformed> {
    demand(edits.len() <= 64, &format!("{at}.edits"), "at most 64 edits")?;
    edits.iter().enumerate().try_for_each(|(n, edit)| check_edit(edit, &format!("{at}.edits[{n}]")))
}

fn check_edit(edit: &Edit, at: &str) -> Result<(), Malformed> {
    use crate::domain::change::Op;
    let given = usize::from(edit.value.is_some()) + usize::from(edit.expr.is_some());
    match edit.op {
        Op::Delete => demand(given == 0, at, "a delete takes no value")?,
        Op::Set | Op::Add | Op::Append => demand(given == 1, at, "give exactly one of `value` and `expr`")?,
    }
    demand(edit.path.0.len() <= 64, &format!("{at}.path"), "at most 64 steps")
}

/// As many as a list of words may have.
fn most(len: usize, at: &str) -> Result<(), Malformed> {
    demand(len <= 64, at, "at most 64 entries")
}

fn image_tag(tag: Option<&str>, at: &str) -> Result<(), Malformed> {
    let within = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let is_tag = |tag: &str| (1..=128).contains(&tag.len()) && tag.chars().all(within) && !tag.starts_with(['.', '-']);
    demand(tag.is_none_or(is_tag), at, "a tag has 1 to 128 of A-Z a-z 0-9 _ . - and begins with no dot or dash")
}

fn image_digest(digest: Option<&str>, at: &str) -> Result<(), Malformed> {
    let hex =
        |text: &str, len: usize| text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_digest = |digest: &str| match digest.split_once(':') {
        Some(("sha256", text)) => hex(text, 64),
        Some(("sha512", text)) => hex(text, 128),
        _ => false,
    };
    demand(digest.is_none_or(is_digest), at, "a digest is `sha256:` and 64 hex digits, or `sha512:` and 128")
}

fn target(target: &Target, at: &str) -> Result<(), Malformed> {
    text(&target.kind, &format!("{at}.kind"), 128)?;
    optional(target.namespace.as_deref(), &format!("{at}.namespace"), 128)?;
    text(&target.name, &format!("{at}.name"), 253)
}

fn optional(value: Option<&str>, at: &str, most: usize) -> Result<(), Malformed> {
    value.map_or(Ok(()), |value| text(value, at, most))
}

/// One line of text.
fn text(value: &str, at: &str, most: usize) -> Result<(), Malformed> {
    demand(!value.contains(char::is_control), at, "must not hold control characters or line ends")?;
    people(value, at, most)
}

/// Text for people; may have several lines.
fn people(value: &str, at: &str, most: usize) -> Result<(), Malformed> {
    demand(!value.trim().is_empty(), at, "must not be empty")?;
    demand(!value.contains('\0'), at, "must not hold NUL")?;
    demand(value.chars().count() <= most, at, &format!("at most {most} characters"))
}

fn demand(holds: bool, at: &str, reason: &str) -> Result<(), Malformed> {
    if holds { Ok(()) } else { Err(Malformed::at(at, reason)) }
}
