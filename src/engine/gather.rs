//! Reads everything a decision may look at, afresh, from the forge, git, the rules and the store.

use super::asked::parting;
use super::plan::{apply_to, plan};
use super::{Engine, Forges, Trouble};
use crate::domain::canon::Malformed;
use crate::domain::edit::{Code, Refusal};
use crate::domain::facts::{Base, Counts, Facts, HealthReport, Landing, Plan, Pull, Repository, Tip};
use crate::domain::ids::{Digest, ForgeKind, Oid, Time};
use crate::domain::lifecycle::{Record, RulesState, branch_name};
use crate::domain::policy::rules::{Loaded, MAX_BYTES, PLACES, Rules};
use crate::domain::policy::{Judged, effect_key};
use crate::domain::proposal::Proposal;
use crate::domain::trust::Track;
use crate::forge::Forge;
use crate::git::{GitError, Mirror, Node};
use std::sync::Arc;
use tracing::{info, warn};

/// Seconds the clock may stand behind the newest entry of the record.
const REGRESSION: i64 = 5;

/// Facts with the rules they are judged by.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) facts: Facts,
    pub(super) rules: RulesState,
    pub(super) judged: Option<Judged>,
}

/// What was read from git in one go.
struct Trees {
    rules: RulesState,
    base: Option<Base>,
    plan: Result<Plan, Refusal>,
    branch: Option<Tip>,
}

pub(super) fn forge_of<'a>(forges: &'a Forges, record: &Record) -> Result<&'a Arc<dyn Forge>, Trouble> {
    forges.get(&record.binding).ok_or_else(|| Trouble::Unconfigured(record.binding.to_string()))
}

impl Engine {
    /// Gathers the facts of one proposal.
    pub(super) async fn gather(&self, record: &Record, proposal: &Proposal) -> Result<Gathered, Trouble> {
        let forge = forge_of(&self.forges, record)?;
        let now = (self.clock)();
        let tenant = &record.binding.tenant;
        let repository = forge.repository().await?;
        if repository.id != record.binding.id {
            return Err(Trouble::Foreign(format!(
                "the forge answers with repository {}, not {}",
                repository.id, record.binding.id
            )));
        }
        let pull = match record.pull {
            Some(number) => Some(read_pull(forge, number, record).await?),
            None => None,
        };
        let base_name = record
            .base
            .clone()
            .or_else(|| proposal.repository.base.clone())
            .unwrap_or_else(|| repository.default_branch.clone());
        let parting = parting(forge, record, pull.as_ref(), &repository.bot).await?;
        let asked = self.asked(forge, record, &repository.bot).await?;
        let mirror = forge.sync().await?;
        tidy(&mirror).await;
        let trees = self.trees(forge, &mirror, record, proposal, &repository, &base_name).await?;
        let landing = landing(&mirror, record, proposal, pull.as_ref(), trees.base.as_ref()).await?;
        let judged = match (&trees.plan, trees.rules.loaded()) {
            (Ok(plan), Some(loaded)) => Some(Judged::of(proposal, &record.binding, plan, &loaded.rules)),
            _ => None,
        };
        let track = self.track(record, judged.as_ref()).await?;
        let judged = judged.map(|judged| judged.under(&track));
        let effect = record
            .effect
            .or_else(|| Some(effect_key(&record.binding, &base_name, &trees.plan.as_ref().ok()?.changeset)));
        let facts = Facts {
            now,
            clock_regressed: self.store.head(tenant).await?.at > now.plus_seconds(REGRESSION),
            instance: self.instance.clone(),
            protection: forge.protection(&base_name).await?,
            repository,
            counts: self.counts(record, &base_name, now).await?,
            twins: self.twins(record, effect).await?,
            rivals: self.rivals(record, effect).await?,
            predecessors: self.predecessors(record, proposal).await?,
            reports: self.reports(record).await?,
            base: trees.base,
            plan: trees.plan,
            branch: trees.branch,
            pull,
            landing,
            keys: self.keys.set.clone(),
            approvers: self.approvers.get(tenant).cloned().unwrap_or_default(),
            track,
            asked,
            parting,
            halted: self.store.halted(tenant, &record.binding.key()).await?,
            sweep: if record.binding.forge == ForgeKind::Local { 2 } else { 60 },
        };
        Ok(Gathered { facts, rules: trees.rules, judged })
    }

    async fn trees(
        &self,
        forge: &Arc<dyn Forge>,
        mirror: &Mirror,
        record: &Record,
        proposal: &Proposal,
        repository: &Repository,
        base_name: &str,
    ) -> Result<Trees, Trouble> {
        let default = forge.tip(&repository.default_branch).await?;
        let base = if base_name == repository.default_branch { default.clone() } else { forge.tip(base_name).await? };
        let branch_name = record.branch.clone().unwrap_or_else(|| branch_name(record));
        let branch = forge.tip(&branch_name).await?;
        let (mirror, changes, base_name) = (mirror.clone(), proposal.changes.clone(), base_name.to_owned());
        blocking(move || {
            let rules = default.map_or(Ok(RulesState::Missing), |tip| read_rules(&mirror, &tip))?;
            let base = base
                .map(|tip| Ok::<_, GitError>(Base { tree: mirror.tree(&tip)?, name: base_name, tip }))
                .transpose()?;
            let plan = match &base {
                Some(base) => plan(&mirror, &base.tip, &changes)?,
                None => Err(Refusal::of(Code::NotFound, "the base branch does not exist")),
            };
            let branch = branch.map(|tip| read_tip(&mirror, tip)).transpose()?;
            Ok(Trees { rules, base, plan, branch })
        })
        .await
    }

    async fn track(&self, record: &Record, judged: Option<&Judged>) -> Result<Track, Trouble> {
        let Some(class) = judged.map(|judged| judged.class.key()) else { return Ok(Track::default()) };
        Ok(self.store.track(&record.binding.tenant, class).await?)
    }

    async fn counts(&self, record: &Record, base: &str, now: Time) -> Result<Counts, Trouble> {
        let (tenant, key) = (&record.binding.tenant, record.binding.key());
        Ok(Counts {
            open: self.store.open_pulls(tenant, &key).await?,
            last_hour: self.store.pulls_opened_since(tenant, &key, now.plus_seconds(-3_600)).await?,
            merging: self.store.merging_on(tenant, &key, base, &record.id).await?.len() as u64,
        })
    }

    /// Health reports about the commit that landed.
    async fn reports(&self, record: &Record) -> Result<Vec<HealthReport>, Trouble> {
        let Some(landed) = &record.landed else { return Ok(Vec::new()) };
        let mut reports = self.store.reports(&record.binding.tenant, &record.id).await?;
        reports.retain(|report| report.revision == landed.commit);
        Ok(reports)
    }
}

async fn read_pull(forge: &Arc<dyn Forge>, number: u64, record: &Record) -> Result<Pull, Trouble> {
    let pull = forge.pull(number).await?;
    if pull.number != number || pull.repository != record.binding.id {
        let said = format!("pull request {} of repository {}", pull.number, pull.repository);
        return Err(Trouble::Foreign(format!("asked for pull request {number}, the forge answers with {said}")));
    }
    Ok(pull)
}

/// Packs the mirror when it has become many files; that it could not be done costs space, nothing else.
async fn tidy(mirror: &Mirror) {
    let copy = mirror.clone();
    match blocking(move || copy.tidy()).await {
        Ok(Some(done)) => info!(loose = done.loose, packs = done.packs, "the mirror was packed"),
        Ok(None) => {}
        Err(error) => warn!(%error, mirror = %mirror.path().display(), "the mirror could not be packed"),
    }
}

/// Runs what blocks on its own thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Trouble::Git(GitError::Other(error.to_string())))??)
}

/// Reads a repository's rules from its default branch, as a turn does.
pub async fn rules_of(forge: &Arc<dyn Forge>) -> Result<RulesState, Trouble> {
    let repository = forge.repository().await?;
    let mirror = forge.sync().await?;
    let tip = forge.tip(&repository.default_branch).await?;
    blocking(move || tip.map_or(Ok(RulesState::Missing), |tip| read_rules(&mirror, &tip))).await
}

/// Reads the one config of a commit's tree.
fn read_rules(mirror: &Mirror, tip: &Oid) -> Result<RulesState, GitError> {
    let tree = mirror.tree(tip)?;
    let mut found = Vec::new();
    for place in PLACES {
        match mirror.node(&tree, place)? {
            Some(Node::File { oid, .. }) => found.push((place, Some(oid))),
            Some(Node::Link | Node::Submodule | Node::Directory(_)) => found.push((place, None)),
            Some(Node::Through(_)) | None => {}
        }
    }
    let invalid = |path: &str, reason: String| Ok(RulesState::Invalid(path.to_owned(), Malformed::at("", reason)));
    match found.as_slice() {
        [] => Ok(RulesState::Missing),
        [(path, None)] => invalid(path, "this is not a regular file".into()),
        [(path, Some(oid))] => {
            let bytes = match mirror.read(oid, MAX_BYTES as u64) {
                Ok(bytes) => bytes,
                Err(error @ GitError::TooLarge { .. }) => return invalid(path, error.to_string()),
                Err(error) => return Err(error),
            };
            Ok(match Rules::read(&bytes) {
                Ok(rules) => {
                    RulesState::Loaded(Box::new(Loaded { path: (*path).to_owned(), digest: Digest::of(&bytes), rules }))
                }
                Err(error) => RulesState::Invalid((*path).to_owned(), error),
            })
        }
        [(path, _), (other, _), ..] => invalid(path, format!("there is also {other}: keep one of the two")),
    }
}

fn read_tip(mirror: &Mirror, commit: Oid) -> Result<Tip, GitError> {
    let read = mirror.commit(&commit)?;
    let changeset = match read.parents.first() {
        Some(parent) => Digest::of(&mirror.raw_diff(parent, &commit)?),
        None => Digest([0; 32]),
    };
    Ok(Tip { parents: read.parents, tree: read.tree, changeset, commit })
}

/// What a merge left: the landed commit, and the changes replayed on its first parent.
async fn landing(
    mirror: &Mirror,
    record: &Record,
    proposal: &Proposal,
    pull: Option<&Pull>,
    base: Option<&Base>,
) -> Result<Option<Landing>, Trouble> {
    let Some(landed) = pull.and_then(|pull| pull.merged.clone()) else { return Ok(None) };
    if record.landed.is_some() {
        return Ok(None);
    }
    let (mirror, changes, tip) = (mirror.clone(), proposal.changes.clone(), base.map(|base| base.tip.clone()));
    let attested = record.issued.as_ref().map(|issued| issued.base.clone());
    let head = record.head.clone();
    blocking(move || {
        let commit = mirror.commit(&landed.commit)?;
        let Some(parent) = commit.parents.first().cloned() else { return Ok(None) };
        // Merged before it was attested: the base it was pushed on stands in for the attested one.
        let attested = match (attested, head) {
            (Some(base), _) => Some(base),
            (None, Some(head)) => mirror.commit(&head)?.parents.first().cloned(),
            (None, None) => None,
        };
        let replayed = apply_to(&mirror, &parent, &changes)?.ok().map(|(tree, _)| tree);
        Ok(Some(Landing {
            follows_base: attested.map_or(Ok(false), |base| mirror.descends(&parent, &base))?,
            on_base: tip.map_or(Ok(false), |tip| mirror.descends(&tip, &landed.commit))?,
            commit: landed.commit,
            tree: commit.tree,
            parent,
            replayed,
        }))
    })
    .await
}
