//! Other proposals, as far as a decision about one looks at them.
//!
//! Must not decide which of two goes on.

use crate::domain::ids::Time;
use std::collections::BTreeSet;

/// Another proposal with the same effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Its id.
    pub id: String,
    /// Whether it is still going on and goes before this one.
    pub active: bool,
    /// When a person closed its pull request or took its landed change back, if one did.
    pub rejected: Option<Time>,
    /// It had landed.
    pub reverted: bool,
    /// Why, in the words that are kept of it.
    pub why: Option<String>,
}

/// Another proposal about the same target that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Its id.
    pub id: String,
    /// Who sent it.
    pub principal: String,
    /// Whether it came after this one.
    pub newer: bool,
    /// Its pull request, once that is open.
    pub pull: Option<u64>,
    /// Whether its branch stands at the forge.
    pub pushed: bool,
    /// Whether it was left to people.
    pub theirs: bool,
    /// Whether it has the same effect.
    pub same_effect: bool,
    /// The persons whose approvals of it stand.
    pub approvers: BTreeSet<String>,
    /// What it changes: file and place.
    pub places: BTreeSet<(String, String)>,
}

/// A proposal that a step of a plan waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its name or id, as the plan writes it.
    pub name: String,
    /// What became of it.
    pub state: Before,
}

/// What became of a predecessor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// No such proposal was sent yet.
    Missing,
    /// It is not over; the word of its stage.
    Going(&'static str),
    /// Its outcome is good, known since.
    Good(Time),
    /// It will never be: a code and a sentence.
    Failed(String, String),
}
