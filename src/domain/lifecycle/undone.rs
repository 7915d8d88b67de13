//! Whether a landed change was taken back, by what stands on the base branch now, and until when anybody looks.
//!
//! Must not read a message: who takes something back by hand writes none, and who writes one may not mean it.

use super::choice::{Choice, settle};
use super::command::over_due;
use super::{Case, Record, RulesState, Stage};
use crate::domain::facts::{Left, Undone};
use crate::domain::ids::Time;
use crate::domain::policy::rules::Rules;
use crate::domain::trust::Judgement;
use serde::{Deserialize, Serialize};

/// Seconds until a change whose outcome is known is looked at again, when no hint comes.
const SWEEP: i64 = 12 * 3_600;

/// A landed change that somebody took back: a no to the same change, as a closed pull request is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenBack {
    /// When that was noticed.
    pub at: Time,
    /// With which commit; none where it was not found.
    #[serde(default)]
    pub with: Option<Undone>,
    /// A person forgot the no.
    #[serde(default)]
    pub reopened: bool,
}

/// The note that a change was taken back, if it was.
pub(super) fn taken_back(case: &Case<'_>) -> Option<TakenBack> {
    let left = case.facts.left.as_ref().filter(|left| left.remains.is_back())?;
    Some(TakenBack { at: case.facts.now, with: left.undone.clone(), reopened: false })
}

/// Says who took it back, if somebody did.
pub(super) fn told(case: &Case<'_>) -> Option<String> {
    let left = case.facts.left.as_ref().filter(|left| left.remains.is_back())?;
    let what = if left.remains.back == left.remains.places() { "it" } else { "a part of it" };
    Some(match &left.undone {
        None => format!("{what} was taken back on the base branch; the commit that did was not found"),
        Some(Undone { commit, author, by: None }) => format!("{author} took {what} back in {}", commit.short()),
        Some(Undone { commit, by: Some(user), .. }) if user.id == case.facts.repository.bot.id => {
            format!("another proposal took {what} back in {}", commit.short())
        }
        Some(Undone { commit, by: Some(user), .. }) => {
            format!("{} (user {}) took {what} back in {}", user.login, user.id, commit.short())
        }
    })
}

/// What is not known of a change that soaks.
pub(super) fn doubt(left: Option<&Left>) -> &'static str {
    match left {
        Some(left) if left.remains.unknown > 0 => {
            "; a file that it changed moved or cannot be read, so whether it was taken back is not known"
        }
        Some(_) | None => "",
    }
}

/// The next look at a proposal that is over; none when nobody has to look any more.
pub(super) fn next_look(case: &Case<'_>, record: &Record) -> Option<Time> {
    let now = case.facts.now;
    if record.owes_revert {
        return Some(now);
    }
    let watched = watched_until(case, record).filter(|until| *until > now);
    let watched = watched.map(|until| until.min(now.plus_seconds(SWEEP.max(case.facts.sweep))));
    watched.into_iter().chain(over_due(record, case.remembered(), now)).min()
}

/// A change is watched for as long again as it soaked, whatever its outcome, until it was taken back.
fn watched_until(case: &Case<'_>, record: &Record) -> Option<Time> {
    let settled = record.over.filter(|_| record.stage == Stage::Settled && record.undone.is_none())?;
    record.landed.as_ref().map(|_| settled.plus_seconds(soak(case)))
}

/// Seconds that a change soaks. While the config cannot be read it may ask for any time: what passes ends nothing.
pub(super) fn soak(case: &Case<'_>) -> i64 {
    match case.rules {
        RulesState::Loaded(loaded) => loaded.rules.auto_merge.soak.0,
        RulesState::Invalid(..) => Rules::LONGEST_SOAK.0,
        RulesState::Missing => Rules::DEFAULT_SOAK.0,
    }
}

/// What is to be done where a change whose outcome is known was taken back.
pub(super) fn noticed(case: &Case<'_>) -> Option<Choice> {
    watched_until(case, case.record).filter(|until| *until > case.facts.now)?;
    Some(settle(Judgement::Bad, "reverted_late", &told(case)?))
}
