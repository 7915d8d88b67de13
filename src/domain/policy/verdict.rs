//! The tree of gates that the check run, the page, the JSON and the record all show.

use crate::domain::redact;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// How a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Fulfilled.
    Pass,
    /// Not yet.
    Wait,
    /// Not without a change or a person.
    Refuse,
}

impl State {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            State::Pass => "pass",
            State::Wait => "wait",
            State::Refuse => "refuse",
        }
    }
}

/// One gate with the gates below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The gate's stable name.
    pub gate: String,
    /// How it stands.
    pub state: State,
    /// A stable code where it does not pass; empty where it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// One sentence.
    pub sentence: String,
    /// The gates it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Verdict>,
}

impl Verdict {
    /// A gate that passes.
    pub fn pass(gate: &str, sentence: impl Into<String>) -> Verdict {
        Verdict {
            gate: gate.into(),
            state: State::Pass,
            code: String::new(),
            sentence: redact::owned(sentence.into()),
            children: Vec::new(),
        }
    }

    /// A gate that does not pass yet.
    pub fn wait(gate: &str, code: &str, sentence: impl Into<String>) -> Verdict {
        Verdict { state: State::Wait, code: code.into(), ..Verdict::pass(gate, sentence) }
    }

    /// A gate that refuses.
    pub fn refuse(gate: &str, code: &str, sentence: impl Into<String>) -> Verdict {
        Verdict { state: State::Refuse, code: code.into(), ..Verdict::pass(gate, sentence) }
    }

    /// A gate that stands as its worst child does, in that child's words.
    pub fn all(gate: &str, children: Vec<Verdict>) -> Verdict {
        let worst = children.iter().map(|child| child.state).max().unwrap_or(State::Pass);
        let first = children.iter().find(|child| child.state == worst && worst != State::Pass);
        let (code, sentence) = match first {
            Some(child) => (child.code.clone(), child.sentence.clone()),
            None => (String::new(), "every gate passes".to_owned()),
        };
        Verdict { gate: gate.into(), state: worst, code, sentence, children }
    }

    /// Whether it passes.
    pub fn passes(&self) -> bool {
        self.state == State::Pass
    }

    /// The gates that do not pass, leaves only, in order.
    pub fn open(&self) -> Vec<&Verdict> {
        match (self.passes(), self.children.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => vec![self],
            (false, false) => self.children.iter().flat_map(Verdict::open).collect(),
        }
    }

    /// The tree as indented lines of text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{indent}{:<6} {}: {}", self.state.word(), self.gate, self.sentence);
        self.children.iter().for_each(|child| child.write(out, depth + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_shown_line_by_line_and_stands_as_its_worst_gate_does() {
        let inner = Verdict::all("checks", vec![Verdict::wait("check", "checks.pending", "`ci` is not done")]);
        let tree = Verdict::all("merge", vec![Verdict::pass("open", "it is open"), inner.clone()]);
        let lines = [
            "wait   merge: `ci` is not done",
            "  pass   open: it is open",
            "  wait   checks: `ci` is not done",
            "    wait   check: `ci` is not done",
        ];
        assert_eq!(tree.text().lines().collect::<Vec<_>>(), lines);
        let refused = Verdict::all("merge", vec![inner, Verdict::refuse("ours", "foreign", "it is not ours")]);
        assert_eq!((refused.state, refused.code.as_str()), (State::Refuse, "foreign"));
        assert_eq!(refused.text().lines().last(), Some("  refuse ours: it is not ours"));
        assert_eq!(
            refused.open().iter().map(|gate| gate.code.as_str()).collect::<Vec<_>>(),
            ["checks.pending", "foreign"]
        );
        assert!(Verdict::all("nothing", Vec::new()).passes() && !refused.passes());
    }
}
