//! Every effect is announced before it happens and answered once: intents and results, paired as the log is read.
//!
//! Must not judge what is still under way: an intent at the end of a log may be one that waits for its answer.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most indexes that are named.
const MOST: usize = 100;

/// An effect, the entries that answer its announcement, and those of them that must have been announced.
const EFFECTS: [(&str, &[&str], &[&str]); 4] = [
    ("push.intent", &["push.result", "push.lost"], &["push.result"]),
    ("attestation.intent", &["attestation.issued", "attestation.refused"], &["attestation.issued"]),
    ("merge.intent", &["merge.result", "merge.mismatch", "merge.refused", "merge.by_person"], &["merge.result"]),
    ("graduation.intent", &["graduation.result", "graduation.lost"], &["graduation.result"]),
];
/// What begins a proposal.
const BEGINS: &str = "proposal.received";
/// What ends a proposal, and with it whatever was announced for it.
const ENDS: [&str; 2] = ["proposal.dropped", "outcome.recorded"];

/// What became of the announcements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// How many effects were announced.
    pub announced: u64,
    /// How many of them were answered, announced anew, or ended with their proposal.
    pub answered: u64,
    /// Announcements that nothing answers; the first hundred.
    pub open: Vec<u64>,
    /// Effects that happened and were not announced; the first hundred.
    pub unannounced: Vec<u64>,
}

/// Pairs entries as they come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pairing {
    pairs: Pairs,
    /// By proposal: which effect, and the entry that announced it.
    open: BTreeMap<String, Vec<(usize, u64)>>,
    /// Of a log whose beginning is gone: the proposals that were taken in since. What was announced for another one may
    /// have been announced before.
    begun: Option<BTreeSet<String>>,
}

impl Pairing {
    /// Begins with a log whose first entries are gone.
    pub(super) fn later() -> Pairing {
        Pairing { begun: Some(BTreeSet::new()), ..Pairing::default() }
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, index: u64, kind: &str, proposal: &str) {
        if let Some(begun) = self.begun.as_mut().filter(|_| kind == BEGINS) {
            begun.insert(proposal.to_owned());
        }
        let whole = self.begun.as_ref().is_none_or(|begun| begun.contains(proposal));
        for (effect, (intent, answers, needs)) in EFFECTS.iter().enumerate() {
            if kind == *intent {
                // What is announced anew takes the place of what was.
                self.close(proposal, |open| open == effect);
                self.pairs.announced += 1;
                self.open.entry(proposal.to_owned()).or_default().push((effect, index));
            } else if answers.contains(&kind) {
                let closed = self.close(proposal, |open| open == effect);
                if !closed && whole && needs.contains(&kind) && self.pairs.unannounced.len() < MOST {
                    self.pairs.unannounced.push(index);
                }
            }
        }
        if ENDS.contains(&kind) {
            self.close(proposal, |_| true);
        }
    }

    fn close(&mut self, proposal: &str, which: impl Fn(usize) -> bool) -> bool {
        let Some(open) = self.open.get_mut(proposal) else { return false };
        let before = open.len();
        open.retain(|(effect, _)| !which(*effect));
        let closed = before - open.len();
        if open.is_empty() {
            self.open.remove(proposal);
        }
        self.pairs.answered += closed as u64;
        closed > 0
    }

    /// Ends with the log read.
    pub(super) fn finish(mut self) -> Pairs {
        let mut open: Vec<u64> = self.open.values().flatten().map(|(_, index)| *index).collect();
        open.sort_unstable();
        open.truncate(MOST);
        self.pairs.open = open;
        self.pairs
    }
}
