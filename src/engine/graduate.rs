//! Suggests `automate` for a class that has earned it: a pull request that edits the config, for people to merge or close.
//!
//! Must not attest, merge or count it: it is no remediation. A closed one is a no for as long as the class's record goes
//! on. Losing a suggestion costs time: the class's next good outcome makes it again.

use super::gather::{Gathered, forge_of};
use super::plan::TreeFiles;
use super::thread::blocking;
use super::{Engine, Trouble};
use crate::domain::audit::{Decision, Event};
use crate::domain::edit::Files as _;
use crate::domain::ids::{Digest, Oid};
use crate::domain::lifecycle::Record;
use crate::domain::policy::defaults::Defaults;
use crate::domain::policy::graduation::{Graduation, graduation};
use crate::domain::proposal::ActionKind;
use crate::domain::trust::{Class, Standing, standing};
use crate::forge::{Forge, NewPull, Push, Pushed};
use crate::git::{GitError, Mirror};
use crate::render;
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::{info, warn};

/// Where the branches of suggestions lie.
pub(super) const PREFIX: &str = "countersign/config/";
/// The label of their pull requests.
const LABEL: &str = "countersign:config";
/// Tier 3 is never merged without a person.
const HIGHEST_TIER: u8 = 2;

/// What is suggested, and on whose behalf.
#[derive(Clone)]
struct Wish {
    class: Class,
    kind: ActionKind,
    standing: Standing,
    /// The proposal whose outcome earned it.
    proposal: String,
    branch: String,
    /// The config's place.
    path: String,
    defaults: Option<Defaults>,
    reviewers: Vec<String>,
}

impl Engine {
    /// Suggests it where it is earned and not said yet; a failure costs nothing but the suggestion.
    pub(super) async fn graduate(&self, record: &Record, kind: ActionKind, gathered: &Gathered) {
        match self.suggest(record, kind, gathered).await {
            Ok(Some(number)) => info!(proposal = %record.id, number, "the class is suggested for automate"),
            Ok(None) => {}
            Err(trouble) => warn!(proposal = %record.id, %trouble, "the class could not be suggested for automate"),
        }
    }

    async fn suggest(&self, record: &Record, kind: ActionKind, gathered: &Gathered) -> Result<Option<u64>, Trouble> {
        let Some(wish) = self.earned(record, kind, gathered).await? else { return Ok(None) };
        let forge = forge_of(&self.forges, record)?;
        // Open, merged or closed: it was said once.
        if !forge.find(&wish.branch).await?.is_empty() {
            return Ok(None);
        }
        let main = &gathered.facts.repository.default_branch;
        let Some(base) = forge.tip(main).await? else { return Ok(None) };
        let (mirror, asked, parent) = (forge.sync().await?, wish.clone(), base.clone());
        let Some((tree, what)) = blocking(move || asked.on(&mirror, &parent)).await? else { return Ok(None) };
        let (title, body) = render::graduation(&wish.class, &wish.standing, &wish.path, &what.meaning)?;
        let voice = self.voice(record);
        let order = NewPull {
            head_ref: wish.branch.clone(),
            base_ref: main.clone(),
            title: voice.say(title),
            body: voice.say(body),
            labels: vec![LABEL.to_owned()],
            reviewers: wish.reviewers.clone(),
        };
        self.open_suggestion(forge, record, &wish, (base, tree), &order).await
    }

    /// What this outcome earned, if anything, where suggestions are wanted.
    async fn earned(&self, record: &Record, kind: ActionKind, gathered: &Gathered) -> Result<Option<Wish>, Trouble> {
        let facts = &gathered.facts;
        let (Some(loaded), Some(class), Some(terms)) = (gathered.rules.loaded(), &record.class, &record.terms) else {
            return Ok(None);
        };
        let silent = self.stop || loaded.rules.stop || facts.halted.is_some() || facts.repository.archived;
        if silent || !loaded.rules.auto_merge.suggest || class.tier > HIGHEST_TIER {
            return Ok(None);
        }
        let track = self.store.track(&class.tenant, class.key()).await?;
        let standing = standing(&track, terms, None, facts.now);
        let place = loaded.rules.environments.get(&class.environment);
        Ok(standing.unlocked().then(|| Wish {
            class: class.clone(),
            kind,
            standing,
            proposal: record.id.clone(),
            branch: branch(class, kind, &terms.epoch),
            path: loaded.path.clone(),
            defaults: self.organisation(&class.tenant).defaults,
            reviewers: place.map(|place| place.reviewers.clone()).unwrap_or_default(),
        }))
    }

    async fn open_suggestion(
        &self,
        forge: &Arc<dyn Forge>,
        record: &Record,
        wish: &Wish,
        (parent, tree): (Oid, Oid),
        order: &NewPull,
    ) -> Result<Option<u64>, Trouble> {
        let (tenant, now) = (&record.binding.tenant, (self.clock)());
        let push = Push {
            branch: wish.branch.clone(),
            old: None,
            parent,
            tree,
            message: format!("{}\n", order.title),
            at: now.whole_second(),
        };
        let payload = json!({"branch": push.branch, "parent": push.parent, "tree": push.tree});
        let intent = wish.event("graduation.intent", Decision::Allow, payload);
        self.store.append(tenant, &[intent], now).await?;
        let number = match opened(forge, &push, order, wish).await {
            Ok(number) => number,
            Err(trouble) => {
                let payload = json!({"branch": push.branch, "reason": trouble.to_string()});
                let lost = wish.event("graduation.lost", Decision::Refuse, payload);
                self.store.append(tenant, &[lost], (self.clock)()).await?;
                return Err(trouble);
            }
        };
        let opened = wish.event("graduation.result", Decision::Note, json!({"number": number}));
        self.store.append(tenant, &[Event { pr: Some(number), ..opened }], (self.clock)()).await?;
        self.look(forge, tenant, &record.binding.key(), number).await?;
        Ok(Some(number))
    }
}

impl Wish {
    /// The tree of a commit with the config edited; none where it cannot go higher.
    fn on(&self, mirror: &Mirror, commit: &Oid) -> Result<Option<(Oid, Graduation)>, GitError> {
        let Ok(Some(bytes)) = TreeFiles::new(mirror, commit)?.read(&self.path) else { return Ok(None) };
        match graduation(&bytes, self.defaults.as_ref(), &self.class.environment, self.kind) {
            Ok(what) => {
                let file = (self.path.clone(), Some(what.bytes.clone()));
                Ok(Some((mirror.write(&mirror.tree(commit)?, &[file])?, what)))
            }
            Err(why) => {
                tracing::debug!(why, branch = self.branch, "nothing is suggested");
                Ok(None)
            }
        }
    }

    fn event(&self, kind: &'static str, decision: Decision, payload: Value) -> Event {
        Event {
            proposal: Some(self.proposal.clone()),
            class: Some(self.class.key()),
            decision,
            ..Event::note(kind, payload)
        }
    }
}

/// Pushes it and opens the pull request; a branch of a suggestion that broke off is taken up.
async fn opened(forge: &Arc<dyn Forge>, push: &Push, order: &NewPull, wish: &Wish) -> Result<u64, Trouble> {
    if let Pushed::Moved(_) = forge.push(push).await?
        && !left_behind(forge, &push.branch, wish).await?
    {
        return Err(Trouble::Foreign(format!("the branch {} exists and holds something else: remove it", push.branch)));
    }
    Ok(forge.open(order).await?)
}

/// Whether a branch holds this suggestion and nothing else.
async fn left_behind(forge: &Arc<dyn Forge>, branch: &str, wish: &Wish) -> Result<bool, Trouble> {
    let Some(tip) = forge.tip(branch).await? else { return Ok(false) };
    let (mirror, wish) = (forge.sync().await?, wish.clone());
    let same = move || {
        let commit = mirror.commit(&tip)?;
        let [parent] = commit.parents.as_slice() else { return Ok(false) };
        Ok(wish.on(&mirror, parent)?.is_some_and(|(tree, _)| tree == commit.tree))
    };
    blocking(same).await
}

/// One branch for each class and each beginning of its record.
fn branch(class: &Class, kind: ActionKind, epoch: &str) -> String {
    let digest = Digest::of_fields("countersign/graduation/v1", &[&class.key().0, epoch.as_bytes()]).to_string();
    let place: String = class.environment.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    format!("{PREFIX}{place}-{}-{}", kind.slug(), &digest[..12])
}
