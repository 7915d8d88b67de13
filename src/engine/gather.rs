//! Reads everything a decision may look at, afresh, from the forge, git, the rules and the store.

use super::asked::parting;
use super::history::left;
use super::plan::{apply_to, plan};
use super::rules::read_rules;
use super::thread::blocking;
use super::{Engine, Forges, Trouble};
use crate::domain::edit::{Code, Refusal};
use crate::domain::facts::{Answer, Base, Counts, Facts, Landing, Plan, Protection, Pull, Quota, Repository, Tip};
use crate::domain::ids::{Digest, ForgeKind, Oid, Time};
use crate::domain::lifecycle::{Record, RulesState, branch_name};
use crate::domain::policy::{Judged, effect_key, rego};
use crate::domain::proposal::Proposal;
use crate::domain::trust::Track;
use crate::forge::Forge;
use crate::git::{GitError, Mirror};
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

/// Where the branches stood, by the forge.
struct Tips {
    default: Option<Oid>,
    base: Option<Oid>,
    branch: Option<Oid>,
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
        let base_name = record
            .base
            .clone()
            .or_else(|| proposal.repository.base.clone())
            .unwrap_or_else(|| repository.default_branch.clone());
        // The pull request is read after the branches: one that still stands open did not move the base that was read.
        let tips = tips(forge, record, &repository, &base_name).await?;
        let pull = match record.pull {
            Some(number) => Some(read_pull(forge, number, record).await?),
            None => None,
        };
        let parting = parting(forge, record, pull.as_ref(), &repository.bot).await?;
        let parting = parting.map(|text| self.voice(record).say(text));
        let asked = self.asked(forge, record, &repository.bot).await?;
        let mirror = forge.sync().await?;
        tidy(&mirror).await;
        let trees = self.trees(&mirror, record, proposal, tips, &base_name).await?;
        let landing = landing(forge, &mirror, record, proposal, pull.as_ref(), &base_name).await?;
        let left = left(forge, &mirror, record, trees.base.as_ref(), now).await?;
        let judged = match (&trees.plan, trees.rules.loaded()) {
            (Ok(plan), Some(loaded)) => Some(Judged::of(proposal, &record.binding, plan, &loaded.rules)),
            _ => None,
        };
        let said = self.said(forge, &mirror, record, proposal, &trees.rules, now).await?;
        let track = self.track(record, judged.as_ref()).await?;
        let judged = judged.map(|judged| judged.under(&track));
        let rego = self.policies(record, proposal, judged.as_ref(), &trees.rules, &repository, now).await;
        let judged = judged.map(|judged| judged.asked(proposal, rego.as_ref()));
        let effect = record
            .effect
            .or_else(|| Some(effect_key(&record.binding, &base_name, &trees.plan.as_ref().ok()?.changeset)));
        let facts = Facts {
            now,
            clock_regressed: self.store.head(tenant).await?.at > now.plus_seconds(REGRESSION),
            instance: self.instance.clone(),
            protection: self.protection(forge, record, &base_name).await?,
            repository,
            counts: self.counts(record, &base_name, now).await?,
            quota: self.quota(record, &trees.rules),
            twins: self.twins(record, effect).await?,
            rivals: self.rivals(record, effect).await?,
            predecessors: self.predecessors(record, proposal).await?,
            earlier: self.earlier(record, &trees.rules, now).await?,
            reports: said.counts,
            unfit: said.unfit,
            base: trees.base,
            plan: trees.plan,
            branch: trees.branch,
            pull,
            landing,
            left,
            keys: self.keys.set.clone(),
            approvers: self.roster.approvers(tenant, now),
            track,
            asked,
            parting,
            rego,
            halted: self.store.halted(tenant, &record.binding.key()).await?,
            sweep: if record.binding.forge == ForgeKind::Local { 2 } else { 60 },
        };
        Ok(Gathered { facts, rules: trees.rules, judged })
    }

    async fn trees(
        &self,
        mirror: &Mirror,
        record: &Record,
        proposal: &Proposal,
        tips: Tips,
        base_name: &str,
    ) -> Result<Trees, Trouble> {
        let Tips { default, base, branch } = tips;
        let (mirror, changes, base_name) = (mirror.clone(), proposal.changes.clone(), base_name.to_owned());
        let asked = self.organisation(&record.binding.tenant);
        blocking(move || {
            let rules = default.map_or(Ok(RulesState::Missing), |tip| read_rules(&mirror, &tip, &asked))?;
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

    /// What the policies say of it, where there are any.
    async fn policies(
        &self,
        record: &Record,
        proposal: &Proposal,
        judged: Option<&Judged>,
        rules: &RulesState,
        repository: &Repository,
        now: Time,
    ) -> Option<Answer> {
        let policies = &rules.loaded().filter(|loaded| !loaded.policies.is_empty())?.policies;
        let approvers: Vec<&str> = record.approvals.iter().map(|approval| approval.approver.as_str()).collect();
        let input = rego::input(proposal, judged?, repository, &approvers, now);
        Some(self.evaluator.ask(policies, &input).await)
    }

    async fn track(&self, record: &Record, judged: Option<&Judged>) -> Result<Track, Trouble> {
        let Some(class) = judged.map(|judged| judged.class.key()) else { return Ok(Track::default()) };
        Ok(self.store.track(&record.binding.tenant, class).await?)
    }

    /// What the forge demands of the branch, while something may still be merged into it by us.
    async fn protection(
        &self,
        forge: &Arc<dyn Forge>,
        record: &Record,
        base: &str,
    ) -> Result<Option<Protection>, Trouble> {
        if record.stage.is_landed() { Ok(None) } else { Ok(forge.protection(base).await?) }
    }

    async fn counts(&self, record: &Record, base: &str, now: Time) -> Result<Counts, Trouble> {
        if record.stage.is_landed() {
            return Ok(Counts::default());
        }
        let (tenant, key) = (&record.binding.tenant, record.binding.key());
        let merging = self.store.merging_on(tenant, &key, base, &record.id).await?.len() as u64;
        Ok(Counts { merging, ..self.store.pulls(tenant, &key, &record.id, now).await? })
    }

    fn quota(&self, record: &Record, rules: &RulesState) -> Option<Quota> {
        let limits = &rules.loaded()?.rules.limits;
        let tenant = self.organisation(&record.binding.tenant).limits;
        Some(Quota {
            open: limits.open_pull_requests,
            per_hour: limits.pull_requests_per_hour,
            tenant_open: tenant.open_pull_requests,
            tenant_per_hour: tenant.pull_requests_per_hour,
        })
    }
}

async fn tips(
    forge: &Arc<dyn Forge>,
    record: &Record,
    repository: &Repository,
    base_name: &str,
) -> Result<Tips, Trouble> {
    let default = forge.tip(&repository.default_branch).await?;
    let base = if base_name == repository.default_branch { default.clone() } else { forge.tip(base_name).await? };
    let branch_name = record.branch.clone().unwrap_or_else(|| branch_name(record));
    Ok(Tips { default, base, branch: forge.tip(&branch_name).await? })
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
    forge: &Arc<dyn Forge>,
    mirror: &Mirror,
    record: &Record,
    proposal: &Proposal,
    pull: Option<&Pull>,
    base_name: &str,
) -> Result<Option<Landing>, Trouble> {
    let Some(landed) = pull.and_then(|pull| pull.merged.clone()) else { return Ok(None) };
    if record.landed.is_some() {
        return Ok(None);
    }
    // The base as it was read before may be one from before the merge.
    let (mirror, changes, tip) = (mirror.clone(), proposal.changes.clone(), forge.tip(base_name).await?);
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
