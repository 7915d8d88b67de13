//! What policies written in Rego said, as it was gathered.
//!
//! Must not run a policy, nor take silence for consent.

use crate::domain::canon;
use crate::domain::ids::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most bytes of one policy.
pub const MAX_POLICY: usize = 256 * 1024;
/// The most denials and reasons that are kept, and their characters.
const MOST_LINES: usize = 32;
const MOST_CHARACTERS: usize = 500;
/// The most approvals that can be asked for.
const MOST: u32 = 2;

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Where it comes from: a path in the repository, or `service`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Policy {
    /// The digest of a bundle: names and texts in their order.
    pub fn bundle(policies: &[Policy]) -> Digest {
        let fields: Vec<&[u8]> = policies.iter().flat_map(|one| [one.name.as_bytes(), one.text.as_bytes()]).collect();
        Digest::of_fields("countersign/rego/v1", &fields)
    }
}

/// Why a policy gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// `compile`, `error`, `timeout`, `undefined`, `type`, `unavailable`.
    pub code: String,
    /// One sentence.
    pub sentence: String,
}

impl Fault {
    /// A fault of a policy.
    pub fn new(code: &str, sentence: impl Into<String>) -> Fault {
        Fault { code: code.to_owned(), sentence: clipped(&sentence.into()) }
    }
}

/// What all policies said together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The digest of the bundle that was asked.
    pub policies: Digest,
    /// The digest of the document it was asked with.
    pub input: Digest,
    /// What is denied, a sentence each.
    pub deny: Vec<String>,
    /// How many approvals are asked for, 0 to 2.
    pub approvals: u32,
    /// Why.
    pub why: Vec<String>,
    /// Why there is no answer.
    pub fault: Option<Fault>,
}

impl Answer {
    /// An answer to this bundle and document, before any policy spoke.
    pub fn to(policies: &[Policy], input: &Value) -> Answer {
        Answer {
            policies: Policy::bundle(policies),
            input: Digest::of(&canon::canonical(input)),
            deny: Vec::new(),
            approvals: 0,
            why: Vec::new(),
            fault: None,
        }
    }

    /// Adds what one policy's package holds: `deny` and `require_approval`.
    pub fn hear(&mut self, name: &str, package: &Value) {
        match package.get("deny") {
            None => self.fail(Fault::new(
                "undefined",
                format!("{name}: `deny` is undefined: define it in package countersign"),
            )),
            Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => self.deny.push(format!("{name}: denied")),
            Some(Value::Array(said)) => {
                self.deny.extend(said.iter().map(|one| clipped(&format!("{name}: {}", plain(one)))))
            }
            Some(_) => {
                self.fail(Fault::new("type", format!("{name}: `deny` is neither a set of sentences nor a boolean")))
            }
        }
        let (count, why) = match package.get("require_approval") {
            None | Some(Value::Bool(false)) => (0, Vec::new()),
            Some(Value::Bool(true)) => (1, vec![format!("{name} asks for approval")]),
            Some(Value::Array(said)) => (
                u32::from(!said.is_empty()),
                said.iter().map(|one| clipped(&format!("{name}: {}", plain(one)))).collect(),
            ),
            Some(Value::Number(number)) => match number.as_u64().and_then(|n| u32::try_from(n).ok()) {
                Some(count) if count <= MOST => (count, vec![format!("{name} asks for {count} approvals")]),
                Some(_) | None => {
                    let sentence = format!("{name}: `require_approval` is {number}: write 0 to {MOST}");
                    return self.fail(Fault::new("type", sentence));
                }
            },
            Some(_) => {
                let sentence =
                    format!("{name}: `require_approval` is neither a set of sentences, a boolean nor a number");
                return self.fail(Fault::new("type", sentence));
            }
        };
        self.approvals = self.approvals.max(count);
        self.why.extend(why.into_iter().filter(|_| count > 0));
        self.deny.truncate(MOST_LINES);
        self.why.truncate(MOST_LINES);
    }

    /// Takes note of a fault; the first one stays.
    pub fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Whether asking again may give another answer.
    pub fn is_transient(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| matches!(fault.code.as_str(), "unavailable" | "timeout"))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn clipped(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_CHARACTERS).collect()
}
