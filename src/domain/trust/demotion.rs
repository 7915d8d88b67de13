//! How a class loses its autonomy, and who may give it back.
//!
//! Must not lift anything by itself: re-arming is a person's act, and a severe failure takes two persons.

use crate::domain::ids::Time;
use serde::{Deserialize, Serialize};

/// Seconds after a demotion in which nobody can lift it.
pub(super) const COOL_DOWN: i64 = 24 * 3_600;

/// A demotion that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demotion {
    /// When.
    pub at: Time,
    /// Whether its cause was severe: the class only observes until two persons have re-armed it.
    pub severe: bool,
    /// The first of those two.
    pub first: Option<String>,
}

/// What a person's wish to re-arm comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rearm {
    /// It is noted; another person has to ask as well.
    First,
    /// The demotion is lifted.
    Lifted,
}

impl Demotion {
    /// Judges a person's wish to lift it; a sentence says why not.
    pub fn rearm(&self, by: &str, now: Time) -> Result<Rearm, String> {
        let from = self.at.plus_seconds(COOL_DOWN);
        if now < from {
            return Err(format!("the class was demoted at {} and cools down until {from}", self.at));
        }
        match (self.severe, self.first.as_deref()) {
            (false, _) => Ok(Rearm::Lifted),
            (true, None) => Ok(Rearm::First),
            (true, Some(first)) if first == by => {
                Err(format!("`{by}` has asked already: after a severe failure another person has to ask as well"))
            }
            (true, Some(_)) => Ok(Rearm::Lifted),
        }
    }

    /// What it means, in one sentence.
    pub fn sentence(&self) -> String {
        let since = self.at;
        match (self.severe, &self.first) {
            (false, _) => format!("the class was demoted at {since} and no person has re-armed it"),
            (true, None) => format!("a severe failure at {since} froze the class: two persons have to re-arm it"),
            (true, Some(first)) => {
                format!("a severe failure at {since} froze the class: after `{first}` another person has to re-arm it")
            }
        }
    }
}
