//! What is known of a class: its outcomes, what waits for one, its demotion.
//!
//! Must not judge anything.

use super::demotion::Demotion;
use crate::domain::ids::Time;
use serde::{Deserialize, Serialize};

/// What became of a change, as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Healthy through the soak.
    Good,
    /// Reverted, rolled back, partial, changed or closed by a person.
    Bad,
    /// Not known; never a success.
    Neutral,
}

/// One line of a class's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// What was changed: the files.
    pub target: String,
    /// When the outcome was known.
    pub at: Time,
    /// What became of it.
    pub result: Judgement,
    /// Whether countersign merged it without a person.
    #[serde(default)]
    pub auto: bool,
    /// When it was merged, if it was.
    #[serde(default)]
    pub merged: Option<Time>,
    /// Who proposed it: principal and major version.
    #[serde(default)]
    pub maker: String,
    /// The epoch it was made in; outcomes of another epoch do not count.
    #[serde(default)]
    pub epoch: String,
    /// An incident, a loss, or what landed was not what was attested: the record begins anew.
    #[serde(default)]
    pub severe: bool,
    /// Who or what showed it; a good outcome has a reporter here, never a person.
    #[serde(default)]
    pub evidence: String,
}

/// A change of the class that waits: merged without a known outcome, or open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What it changes: the files.
    pub target: String,
    /// Since when: its merge, or the opening of its pull request.
    pub since: Time,
    /// Whether it is merged.
    pub merged: bool,
    /// Whether countersign merged it without a person.
    pub auto: bool,
}

impl Pending {
    /// Whether it is an unattended merge in flight.
    pub fn in_flight(&self) -> bool {
        self.merged && self.auto
    }
}

/// Everything that is known of a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Its outcomes, oldest first.
    pub outcomes: Vec<Outcome>,
    /// What waits for an outcome.
    pub pending: Vec<Pending>,
    /// The demotion that is in force.
    pub demotion: Option<Demotion>,
}

impl Track {
    /// Unattended merges whose outcome is not known yet.
    pub fn in_flight(&self) -> u64 {
        self.pending.iter().filter(|pending| pending.in_flight()).count() as u64
    }
}

/// Who proposes, as the track record tells makers apart: `agent:kubernaut@2`.
///
/// Of a semantic version only the part that may break things counts: `2` of 2.1.0, `0.3` of 0.3.7.
pub fn maker(principal: &str, version: Option<&str>) -> String {
    let Some(version) = version else { return principal.to_owned() };
    let plain = version.strip_prefix('v').unwrap_or(version);
    let numbers: Vec<&str> = plain.split(['-', '+']).next().unwrap_or_default().split('.').collect();
    let numeric = (1..=3).contains(&numbers.len())
        && numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let major = match (numeric, numbers.as_slice()) {
        (true, ["0", minor, ..]) => format!("0.{minor}"),
        (true, [major, ..]) => (*major).to_owned(),
        (true, []) | (false, _) => version.to_owned(),
    };
    format!("{principal}@{major}")
}
