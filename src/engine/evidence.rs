//! What was said of a merged change: reports that were kept, and what the forge shows on the landed commit.
//!
//! Must not decide what becomes of the change: it says what counts, and why the rest does not.

use super::plan::apply_to;
use super::thread::blocking;
use super::{Engine, Trouble};
use crate::domain::change::Change;
use crate::domain::facts::{Check, HealthReport, Landed, Unfit};
use crate::domain::ids::{Oid, Time};
use crate::domain::lifecycle::{Record, RulesState, SWEEP, Stage, sentence};
use crate::domain::policy::rules::Rules;
use crate::domain::policy::sources::{Sort, Sources};
use crate::domain::proposal::Proposal;
use crate::forge::{Forge, ForgeError};
use crate::git::{GitError, Mirror};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most proposals whose signals are remembered; what is forgotten is asked for once more.
const MOST_SHOWN: usize = 10_000;

/// What forges showed last on landed commits, and when, by tenant and proposal; workers of one process share it.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<BTreeMap<(String, String), Answer>>>);

/// When a forge was asked, for what, and what it showed.
#[derive(Clone, Debug)]
struct Answer {
    at: Time,
    sources: Sources,
    said: Said,
}

impl Shown {
    fn known(&self, key: &(String, String)) -> Option<Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: (String, String), answer: Answer) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() >= MOST_SHOWN {
            shown.clear();
        }
        shown.insert(key, answer);
    }
}

/// What was said of a merged change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// What counts.
    pub(super) counts: Vec<HealthReport>,
    /// What does not.
    pub(super) unfit: Vec<Unfit>,
}

/// The change that has landed, as git can look for it.
struct LandedChange {
    landed: Landed,
    files: Vec<String>,
    changes: Vec<Change>,
}

impl Engine {
    /// What was said of the commit that landed; nothing while none has.
    pub(super) async fn said(
        &self,
        forge: &Arc<dyn Forge>,
        mirror: &Mirror,
        record: &Record,
        proposal: &Proposal,
        rules: &RulesState,
        now: Time,
    ) -> Result<Said, Trouble> {
        let Some(landed) = &record.landed else { return Ok(Said::default()) };
        let reports = self.store.reports(&record.binding.tenant, &record.id).await?;
        let files = record.summary.iter().map(|file| file.path.clone()).collect();
        let change = LandedChange { landed: landed.clone(), files, changes: proposal.changes.clone() };
        let mirror = mirror.clone();
        let mut said = blocking(move || weigh(&mirror, &change, reports)).await?;
        if let (Stage::Merged, Some(loaded)) = (record.stage, rules.loaded()) {
            let shown = self.shown(forge, record, landed, &loaded.rules, now).await?;
            said.counts.extend(shown.counts);
            said.unfit.extend(shown.unfit);
        }
        Ok(said)
    }

    /// What the forge shows on the landed commit; asked again when a sweep has passed, and at the end of the soak.
    async fn shown(
        &self,
        forge: &Arc<dyn Forge>,
        record: &Record,
        landed: &Landed,
        rules: &Rules,
        now: Time,
    ) -> Result<Said, Trouble> {
        let sources = &rules.outcomes;
        if *sources == Sources::default() {
            return Ok(Said::default());
        }
        let key = (record.binding.tenant.to_string(), record.id.clone());
        let soaks = landed.at.plus_seconds(rules.auto_merge.soak.0) > now;
        let fresh = |last: &Answer| soaks && last.at.plus_seconds(SWEEP) > now && last.sources == *sources;
        if let Some(last) = self.shown.known(&key).filter(fresh) {
            return Ok(last.said);
        }
        let mut said = Said::default();
        for sort in [Sort::Status, Sort::Deployment] {
            if !sources.of(sort).is_empty() {
                ask(forge, sources, sort, &landed.commit, now, &mut said).await?;
            }
        }
        self.shown.keep(key, Answer { at: now, sources: sources.clone(), said: said.clone() });
        Ok(said)
    }
}

async fn ask(
    forge: &Arc<dyn Forge>,
    sources: &Sources,
    sort: Sort,
    commit: &Oid,
    now: Time,
    said: &mut Said,
) -> Result<(), Trouble> {
    let found = match sort {
        Sort::Status => forge.signals(commit).await,
        Sort::Deployment => forge.deployments(commit).await,
    };
    let checks: Vec<Check> = match found {
        Ok(checks) => checks,
        // Without the right to read them they say nothing, and everything else goes on.
        Err(ForgeError::Denied(why) | ForgeError::NotFound(why) | ForgeError::Rejected(why)) => {
            let why = format!("it cannot be read: {why}");
            said.unfit.push(Unfit { said: format!("every {} of the landed commit", sort.word()), why });
            return Ok(());
        }
        Err(other @ (ForgeError::RateLimited(_) | ForgeError::Transient(_))) => return Err(other.into()),
    };
    for found in checks.iter().filter(|check| check.head == *commit).filter_map(|it| sources.weigh(sort, it, now)) {
        match found {
            Ok(report) => said.counts.push(report),
            Err(unfit) => said.unfit.push(unfit),
        }
    }
    Ok(())
}

/// Parts what counts from what does not.
fn weigh(mirror: &Mirror, change: &LandedChange, reports: Vec<HealthReport>) -> Result<Said, GitError> {
    let (mut said, mut known) = (Said::default(), BTreeMap::new());
    for report in reports {
        let why = match (&report.revision, report.since) {
            (Some(revision), _) => match known.get(revision) {
                Some(why) => *why,
                None => {
                    let why = missing(mirror, change, revision)?;
                    known.insert(revision.clone(), why);
                    why
                }
            },
            (None, Some(since)) if since > change.landed.at => None,
            (None, Some(_)) => {
                Some("the alert began before the change landed: it has not ended yet, which is no new one")
            }
            (None, None) => Some("it names neither a revision nor when it began"),
        };
        match why {
            None => said.counts.push(report),
            Some(why) => said.unfit.push(Unfit { said: sentence(&report), why: why.to_owned() }),
        }
    }
    Ok(said)
}

/// Why a revision does not show the change; nothing where it is the landed commit, or comes after it and holds the
/// change still.
fn missing(mirror: &Mirror, change: &LandedChange, revision: &Oid) -> Result<Option<&'static str>, GitError> {
    let landed = &change.landed.commit;
    if revision == landed {
        return Ok(None);
    }
    // An artifact's digest is as long as the ids of other repositories.
    if revision.as_str().len() != landed.as_str().len() {
        return Ok(Some("its revision is no commit of this repository"));
    }
    let tree = match mirror.tree(revision) {
        Ok(tree) => tree,
        Err(GitError::NotFound(_)) => return Ok(Some("its revision is no commit of this repository")),
        Err(other) => return Err(other),
    };
    if !mirror.descends(revision, landed)? {
        return Ok(Some("its revision is from before the change landed, or from another branch"));
    }
    let before = mirror.tree(landed)?;
    let same = |path: &String| Ok::<_, GitError>(mirror.node(&before, path)? == mirror.node(&tree, path)?);
    let mut kept = !change.files.is_empty();
    for path in &change.files {
        kept &= same(path)?;
    }
    if kept {
        return Ok(None);
    }
    // Others changed the same files: the change is still there if making it again changes nothing.
    match apply_to(mirror, revision, &change.changes)? {
        Ok((again, _)) if again == tree => Ok(None),
        Ok(_) | Err(_) => Ok(Some("its revision does not hold the change any more: later commits changed it")),
    }
}
