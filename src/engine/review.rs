//! Looks at pull requests that change the config, and says in a check run what merging them would mean.
//!
//! Must not follow a config that is not merged: it is only read, and judged by nobody but people.

use super::graduate::PREFIX;
use super::rules::{Organisation, config_files, read_rules};
use super::thread::blocking;
use super::{Engine, Trouble};
use crate::domain::audit::Event;
use crate::domain::facts::{Conclusion, Pull, PullState, Repository};
use crate::domain::ids::{Digest, Oid, TenantId};
use crate::domain::lifecycle::RulesState;
use crate::domain::policy::consequences::{consequences, lines, meaning, summary};
use crate::forge::{Forge, Report};
use crate::git::{GitError, Mirror};
use crate::render;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{info, warn};

/// The name of the check run.
const NAME: &str = "countersign/config";
/// The most pull requests that are remembered; what is forgotten is written once more.
const MOST_SEEN: usize = 10_000;

/// What was compared and written last, by repository and pull request.
pub(super) type Seen = Arc<Mutex<BTreeMap<(String, u64), Digest>>>;

/// What a pull request would make of the config.
struct Compared {
    before: RulesState,
    after: RulesState,
}

impl Engine {
    /// Looks at one pull request; a failure costs nothing but the check run, until the next event.
    pub(super) async fn review(&self, tenant: &TenantId, key: &str, number: u64) {
        let Some(forge) = self.forges.by_key(tenant, key).filter(|_| !self.stop) else { return };
        let lock = self.lock_key(key).await;
        let _held = lock.lock().await;
        match self.look(forge, tenant, key, number).await {
            Ok(Some(title)) => info!(%tenant, repository = key, number, "config: {title}"),
            Ok(None) => {}
            Err(trouble) => warn!(%tenant, repository = key, number, %trouble, "the config cannot be looked at"),
        }
    }

    pub(super) async fn look(
        &self,
        forge: &Arc<dyn Forge>,
        tenant: &TenantId,
        key: &str,
        number: u64,
    ) -> Result<Option<String>, Trouble> {
        if self.store.halted(tenant, key).await?.is_some() {
            return Ok(None);
        }
        let repository = forge.repository().await?;
        let pull = forge.pull(number).await?;
        if pull.number != number || !concerns(&pull, &repository) {
            return Ok(None);
        }
        let mirror = forge.sync().await?;
        let base = forge.tip(&repository.default_branch).await?;
        let head = forge.tip(&pull.head_ref).await?.filter(|head| *head == pull.head);
        let (Some(base), Some(head)) = (base, head) else { return Ok(None) };
        let asked = self.organisation(tenant);
        let compared = blocking(move || compare(&mirror, &base, &head, &asked)).await?;
        let Some(compared) = compared else { return Ok(None) };
        let report = told(&compared);
        let text = [pull.head.as_str(), report.title.as_str(), report.summary.as_str()].map(str::as_bytes);
        let digest = Digest::of_fields("countersign/config-review/v1", &text);
        if !self.is_new(key, number, digest) {
            return Ok(None);
        }
        forge.report(&pull.head, &report).await?;
        let payload = json!({"head": pull.head, "conclusion": report.conclusion, "title": report.title});
        let event = Event { pr: Some(number), ..Event::note("config.reviewed", payload) };
        self.store.append(tenant, &[event], (self.clock)()).await?;
        Ok(Some(report.title))
    }

    fn is_new(&self, key: &str, number: u64, digest: Digest) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_SEEN {
            seen.clear();
        }
        seen.insert((key.to_owned(), number), digest) != Some(digest)
    }
}

/// Open, from a branch of this repository into the branch that the config is read from; by somebody else, or a
/// suggestion of ours.
fn concerns(pull: &Pull, repository: &Repository) -> bool {
    pull.state == PullState::Open
        && pull.repository == repository.id
        && pull.head_repository == repository.id
        && pull.base_ref == repository.default_branch
        && (pull.author.id != repository.bot.id || pull.head_ref.starts_with(PREFIX))
}

/// Both configs, if the branch changes it since it left the base.
fn compare(mirror: &Mirror, base: &Oid, head: &Oid, asked: &Organisation) -> Result<Option<Compared>, GitError> {
    let left = mirror.merge_base(base, head)?;
    let before = left.map_or(Ok(Vec::new()), |left| config_files(mirror, &left))?;
    if before == config_files(mirror, head)? {
        return Ok(None);
    }
    let (before, after) = (read_rules(mirror, base, asked)?, read_rules(mirror, head, asked)?);
    Ok(Some(Compared { before, after }))
}

/// The check run: a failure where the config could not be used, else what merging it would mean.
fn told(compared: &Compared) -> Report {
    let report = |conclusion, title: String, lines: Vec<String>| Report {
        name: NAME.into(),
        conclusion,
        title: render::line(&title, 200),
        summary: render::fence(&lines.join("\n"), 20_000),
    };
    let after = match &compared.after {
        RulesState::Invalid(path, fault) => {
            let mut why = vec![format!("{path}: {fault}")];
            why.push("merged like this, countersign would do nothing in this repository until it is mended".into());
            return report(Conclusion::Failure, format!("{path}: {fault}"), why);
        }
        RulesState::Missing => {
            let why = vec!["without a config countersign pushes nothing here; open pull requests stay".into()];
            return report(Conclusion::Success, "it disables countersign in this repository".into(), why);
        }
        RulesState::Loaded(loaded) => loaded,
    };
    let mut text = match &compared.before {
        RulesState::Loaded(before) => lines(&consequences(&before.rules, &after.rules)),
        RulesState::Missing | RulesState::Invalid(..) => meaning(&after.rules),
    };
    let title = match &compared.before {
        RulesState::Loaded(before) => summary(&consequences(&before.rules, &after.rules)),
        RulesState::Missing => "it enables countersign in this repository".to_owned(),
        RulesState::Invalid(..) => "it mends the config".to_owned(),
    };
    if text.is_empty() {
        text.push("nothing that countersign does becomes different".into());
    }
    text.extend(after.tightened.iter().cloned());
    report(Conclusion::Success, title, text)
}
