//! The book of a local forge: JSON records in commits under refs of the bare repository.
//!
//! Must not overwrite what somebody else wrote meanwhile: every write is a compare-and-swap on the record's ref.

use super::LocalPlace;
use super::record::{CheckRecord, PullRecord, Rules};
use crate::domain::facts::User;
use crate::domain::ids::{Clock, Oid, Time};
use crate::forge::ForgeError;
use crate::git::{GitError, Mirror, NewCommit, Node, repository};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

const PULLS: &str = "refs/countersign/pulls/";
const CHECKS: &str = "refs/countersign/checks/";
const PROTECTION: &str = "refs/countersign/protection";

/// A record over this many bytes is refused.
const LIMIT: u64 = 16 << 20;

/// A body or comment has at most so many characters, as on GitHub.
pub const TEXT: usize = 65_536;

/// How often a compare-and-swap is tried.
pub(super) const TRIES: u32 = 50;

/// So many parsed records are kept.
const KEPT: usize = 10_000;

/// The open book; cheap to clone.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) bare: Mirror,
    pub(super) repository: u64,
    pub(super) name: String,
    clock: Clock,
    records: Arc<Mutex<HashMap<Oid, Arc<PullRecord>>>>,
}

impl From<GitError> for ForgeError {
    fn from(error: GitError) -> ForgeError {
        let text = error.to_string();
        match error {
            GitError::NotFound(_) => ForgeError::NotFound(text),
            GitError::TooLarge { .. } | GitError::Link(_) | GitError::Refused(_) => ForgeError::Rejected(text),
            GitError::Busy(_) | GitError::Other(_) => ForgeError::Transient(text),
        }
    }
}

impl Ledger {
    pub(super) fn open(place: &LocalPlace, clock: Clock) -> Result<Ledger, ForgeError> {
        let bare = Mirror::existing(&place.path).map_err(|error| match error {
            GitError::Other(text) => ForgeError::Rejected(text),
            other => other.into(),
        })?;
        Ok(Ledger { bare, repository: place.id, name: place.name.clone(), clock, records: Arc::default() })
    }

    pub(super) fn now(&self) -> Time {
        (self.clock)()
    }

    /// The tip of a branch.
    pub(super) fn tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        match self.bare.reference(&head(branch)) {
            Err(GitError::Other(text)) => Err(ForgeError::Rejected(text)),
            other => Ok(other?),
        }
    }

    /// The numbers of all pull requests, newest first.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, ForgeError> {
        let refs = self.bare.references(PULLS)?;
        let mut numbers: Vec<u64> =
            refs.iter().filter_map(|(name, _)| name.strip_prefix(PULLS)?.parse().ok()).collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    /// A pull request, with the commit that keeps it.
    pub(super) fn record(&self, number: u64) -> Result<(Oid, Arc<PullRecord>), ForgeError> {
        let missing = || ForgeError::NotFound(format!("pull request #{number} of {}", self.name));
        let at = self.bare.reference(&shelf(number))?.ok_or_else(missing)?;
        let kept = self.kept().get(&at).cloned();
        let record = match kept {
            Some(record) => record,
            None => Arc::new(self.load(&at, "pull.json")?),
        };
        let mut records = self.kept();
        if records.len() >= KEPT {
            records.clear();
        }
        records.insert(at.clone(), record.clone());
        Ok((at, record))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Oid, Arc<PullRecord>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a new pull request under the next free number; answers the number.
    pub(super) fn add(&self, by: &User, mut record: PullRecord) -> Result<u64, ForgeError> {
        for _ in 0..TRIES {
            record.number = self.numbers()?.first().map_or(1, |last| last.saturating_add(1));
            if self.store(&shelf(record.number), "pull.json", None, &record, by, "open")? {
                return Ok(record.number);
            }
        }
        Err(busy("the list of pull requests"))
    }

    /// Replaces a pull request that still is as it was read; false if it is not.
    pub(super) fn replace(&self, old: &Oid, new: &PullRecord, by: &User, what: &str) -> Result<bool, ForgeError> {
        self.store(&shelf(new.number), "pull.json", Some(old), new, by, what)
    }

    /// Changes a pull request; the change is made again if somebody else wrote first, and not written if it is none.
    pub(super) fn amend<T>(
        &self,
        number: u64,
        by: &User,
        what: &str,
        mut change: impl FnMut(&mut PullRecord) -> Result<T, ForgeError>,
    ) -> Result<T, ForgeError> {
        for _ in 0..TRIES {
            let (at, old) = self.record(number)?;
            let mut new = PullRecord::clone(&old);
            let answer = change(&mut new)?;
            if new == *old || self.replace(&at, &new, by, what)? {
                return Ok(answer);
            }
        }
        Err(busy(&format!("pull request #{number}")))
    }

    /// The checks of a commit.
    pub(super) fn checks(&self, commit: &Oid) -> Result<Vec<CheckRecord>, ForgeError> {
        match self.bare.reference(&format!("{CHECKS}{commit}"))? {
            Some(at) => self.load(&at, "checks.json"),
            None => Ok(Vec::new()),
        }
    }

    /// Sets a check of a commit; the same name by the same app is replaced.
    pub(super) fn set_check(&self, commit: &Oid, by: &User, check: &CheckRecord) -> Result<(), ForgeError> {
        if !self.bare.has(commit)? {
            return Err(ForgeError::NotFound(format!("commit {commit} of {}", self.name)));
        }
        let shelf = format!("{CHECKS}{commit}");
        for _ in 0..TRIES {
            let at = self.bare.reference(&shelf)?;
            let mut checks: Vec<CheckRecord> =
                at.as_ref().map_or_else(|| Ok(Vec::new()), |at| self.load(at, "checks.json"))?;
            checks.retain(|old| (&old.name, old.app) != (&check.name, check.app));
            checks.push(check.clone());
            if self.store(&shelf, "checks.json", at.as_ref(), &checks, by, "check")? {
                return Ok(());
            }
        }
        Err(busy(&shelf))
    }

    /// The rules of a branch; none if nobody can read them.
    pub(super) fn rules(&self, branch: &str) -> Result<Option<Rules>, ForgeError> {
        let Some(at) = self.bare.reference(PROTECTION)? else { return Ok(Some(Rules::default())) };
        let all: Result<BTreeMap<String, Option<Rules>>, ForgeError> = self.load(&at, "protection.json");
        match all {
            Ok(mut all) => Ok(all.remove(branch).unwrap_or(Some(Rules::default()))),
            Err(ForgeError::Rejected(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Sets the rules of a branch; none makes them unreadable.
    pub(super) fn set_rules(&self, branch: &str, by: &User, rules: Option<&Rules>) -> Result<(), ForgeError> {
        for _ in 0..TRIES {
            let at = self.bare.reference(PROTECTION)?;
            let mut all: BTreeMap<String, Option<Rules>> =
                at.as_ref().map_or_else(|| Ok(BTreeMap::new()), |at| self.load(at, "protection.json"))?;
            all.insert(branch.to_owned(), rules.cloned());
            if self.store(PROTECTION, "protection.json", at.as_ref(), &all, by, "protect")? {
                return Ok(());
            }
        }
        Err(busy(PROTECTION))
    }

    fn load<T: DeserializeOwned>(&self, commit: &Oid, file: &str) -> Result<T, ForgeError> {
        let tree = self.bare.tree(commit)?;
        let Some(Node::File { oid, .. }) = self.bare.node(&tree, file)? else {
            return Err(ForgeError::Rejected(format!("{commit} of {} holds no {file}", self.name)));
        };
        let bytes = self.bare.read(&oid, LIMIT)?;
        serde_json::from_slice(&bytes)
            .map_err(|e| ForgeError::Rejected(format!("{file} in {commit} of {}: {e}", self.name)))
    }

    fn store<T: Serialize>(
        &self,
        shelf: &str,
        file: &str,
        old: Option<&Oid>,
        value: &T,
        by: &User,
        what: &str,
    ) -> Result<bool, ForgeError> {
        let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| ForgeError::Rejected(format!("{file}: {e}")))?;
        bytes.push(b'\n');
        let (author_name, author_email) = repository::identity(by);
        let commit = self.bare.make_commit(&NewCommit {
            tree: self.bare.write_new(&BTreeMap::from([(file.to_owned(), bytes)]))?,
            parents: old.cloned().into_iter().collect(),
            author_name,
            author_email,
            at: self.now(),
            message: format!("{what}\n"),
        })?;
        Ok(self.bare.move_reference(shelf, old, Some(&commit))?)
    }
}

/// Refuses a text that is longer than other forges take.
pub(super) fn fits(text: &str) -> Result<(), ForgeError> {
    let length = text.chars().count();
    if length <= TEXT {
        return Ok(());
    }
    Err(ForgeError::Rejected(format!("the text has {length} characters; the limit is {TEXT}")))
}

/// The full name of a branch.
pub(super) fn head(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

fn shelf(number: u64) -> String {
    format!("{PULLS}{number}")
}

/// The answer when others kept writing.
pub(super) fn busy(what: &str) -> ForgeError {
    ForgeError::Transient(format!("others keep writing to {what}"))
}
