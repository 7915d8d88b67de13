//! What is kept of an event: where to look, and nothing else of it.
//!
//! Must not carry what somebody wrote, nor a state that could be believed.

use serde::{Deserialize, Serialize};

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The name of the event.
    pub event: String,
    /// Which repositories.
    pub scope: Scope,
    /// Where to look.
    pub look: Look,
}

/// Which repositories an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one with this number.
    Repository(u64),
    /// All that an installation of the App gives us.
    Installation(u64),
    /// None, or none that is named.
    Nowhere,
}

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At one pull request.
    Pull(u64),
    /// At what people wrote on one pull request, which may be over.
    Comment(u64),
    /// At everything that is not over.
    Everywhere,
    /// Nowhere: nothing that is kept depends on it.
    Nowhere,
}

/// A look as it is stored with a delivery; events of local repositories are read as the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The name of the event.
    #[serde(default)]
    event: String,
    /// The pull request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pull: Option<Number>,
    /// Nothing depends on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ignored: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Number {
    number: u64,
}

impl Hint {
    /// The bytes that are stored.
    pub fn bytes(look: Look) -> Vec<u8> {
        let (event, pull, ignored) = match look {
            Look::Pull(number) => ("pull", Some(Number { number }), false),
            Look::Comment(number) => ("comment", Some(Number { number }), false),
            Look::Everywhere => ("repository", None, false),
            Look::Nowhere => ("", None, true),
        };
        serde_json::to_vec(&Hint { event: event.into(), pull, ignored }).unwrap_or_default()
    }

    /// Where stored bytes say to look; everywhere when they cannot be read.
    pub fn look(bytes: &[u8]) -> Look {
        let Ok(hint) = serde_json::from_slice::<Hint>(bytes) else { return Look::Everywhere };
        match (hint.ignored, hint.pull) {
            (true, _) => Look::Nowhere,
            (false, Some(Number { number })) if hint.event == "comment" => Look::Comment(number),
            (false, Some(Number { number })) => Look::Pull(number),
            (false, None) => Look::Everywhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_stored_and_read_back() {
        for look in [Look::Pull(7), Look::Comment(8), Look::Everywhere, Look::Nowhere] {
            assert_eq!(Hint::look(&Hint::bytes(look)), look);
        }
        let local = br#"{"event":"comment","action":"created","pull":{"number":3},"sender":{"id":7}}"#;
        assert_eq!(Hint::look(local), Look::Comment(3));
        assert_eq!(Hint::look(b"\xff"), Look::Everywhere);
    }
}
