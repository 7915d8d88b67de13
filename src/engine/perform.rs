//! Does the one thing that was chosen.

use super::gather::forge_of;
use super::voice::Voice;
use super::{Engine, Trouble};
use crate::config;
use crate::domain::attest::{
    AuditRef, Binding, Issue, KeyRef, Statement, TrustRef, draft_digest, replace_region, seal,
};
use crate::domain::audit::origin;
use crate::domain::facts::{MergeAnswer, Pull, PullState};
use crate::domain::ids::Digest;
use crate::domain::lifecycle::{Action, Case, Done, Issued, MergeIntent, PushIntent, Reason, class_standing};
use crate::domain::policy::automates;
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::shown;
use crate::forge::{Forge, MergeOrder, NewPull, Push, Report};
use crate::render;
use std::sync::Arc;

/// How long an attestation lasts, seconds.
const LIFE: i64 = 72 * 3_600;

impl Engine {
    /// Performs an action; every effect can be repeated.
    pub(super) async fn perform(&self, case: &Case<'_>, action: &Action, verdict: &Verdict) -> Result<Done, Trouble> {
        let forge = forge_of(&self.forges, case.record)?;
        match action {
            Action::Push(intent) => push(forge, case, intent, &self.voice(case.record)).await,
            Action::OpenPull => open(forge, case, &self.voice(case.record)).await,
            Action::Attest(binding) => self.attest(forge, case, binding).await,
            Action::Report => report(forge, case, verdict, &self.voice(case.record)).await,
            Action::Merge(intent) => self.merge(forge, case, intent).await,
            Action::Drop(reason) => abandon(forge, case, reason, &self.voice(case.record)).await,
            Action::HandOver(reason) => notify(forge, case, reason, &self.voice(case.record)).await,
            Action::Answer(answer) => self.reply(forge, case, answer, verdict).await,
            Action::Land(_) | Action::Settle(..) | Action::Wait(_) => Ok(Done::Nothing),
        }
    }

    async fn attest(&self, forge: &Arc<dyn Forge>, case: &Case<'_>, binding: &Binding) -> Result<Done, Trouble> {
        let (Some(announced), Some(pull)) = (&case.record.announced, &case.facts.pull) else {
            return Err(Trouble::Program("an attestation was not announced before it was signed"));
        };
        let text = self.text(case)?;
        let bound = binding.clone().with_text(draft_digest(&text));
        if bound.digest() != announced.binding {
            return Err(Trouble::Program("the announced binding is not the one that would be signed"));
        }
        let issued = case.facts.now.whole_second();
        let issue = Issue {
            issued,
            not_after: issued.plus_seconds(LIFE),
            nonce: announced.nonce.clone(),
            trust: trust(case),
            key: KeyRef { kid: self.keys.attestation.id().to_string(), keyset_version: self.keys.set.version },
            audit: AuditRef {
                origin: origin(&self.instance, &case.record.binding.tenant),
                index: announced.index,
                leaf: announced.leaf,
            },
        };
        let kept = Issued {
            nonce: announced.nonce.clone(),
            envelope: Digest([0; 32]),
            text: bound.body.sha256,
            base: bound.base.sha.clone(),
            head: bound.head.sha.clone(),
            issued,
            not_after: issue.not_after,
        };
        let envelope = seal(&Statement::new(bound, issue), &self.keys.attestation);
        let body = replace_region(&pull.body, &render::attested_body(&text, &envelope));
        forge.set_body(pull.number, &body).await?;
        Ok(Done::Attested(Issued { envelope: Digest::of(&envelope), ..kept }, envelope))
    }

    /// Merges what was proven, if it still stands at this very moment: reading took its time.
    async fn merge(&self, forge: &Arc<dyn Forge>, case: &Case<'_>, intent: &MergeIntent) -> Result<Done, Trouble> {
        let (Some(pull), Some(loaded), Some(issued)) = (&case.facts.pull, case.rules.loaded(), &case.record.issued)
        else {
            return Err(Trouble::Program("a merge was chosen without a pull request, rules or an attestation"));
        };
        let ends = issued.not_after.min(case.record.expires);
        if ends <= (self.clock)() {
            return Ok(Done::Merged(MergeAnswer::NotReady(format!("what was proven stood until {ends}"))));
        }
        let voice = self.voice(case.record);
        let (title, message) = render::merge_message(case.record);
        let (title, message) = (voice.say(title), voice.say(message));
        let order = MergeOrder { head: intent.head.clone(), method: loaded.rules.auto_merge.method, title, message };
        Ok(Done::Merged(forge.merge(pull.number, &order).await?))
    }

    /// The text that is signed.
    fn text(&self, case: &Case<'_>) -> Result<String, Trouble> {
        Ok(self.voice(case.record).say(render::body_text(case, case.facts.now.whole_second())?))
    }

    /// Binds the text that would be signed now.
    pub(super) fn bind_text(&self, case: &Case<'_>, action: Action) -> Result<Action, Trouble> {
        match action {
            Action::Attest(binding) => {
                let text = self.text(case)?;
                Ok(Action::Attest(Box::new(binding.with_text(draft_digest(&text)))))
            }
            other @ (Action::Push(_)
            | Action::OpenPull
            | Action::Report
            | Action::Merge(_)
            | Action::Drop(_)
            | Action::HandOver(_)
            | Action::Land(_)
            | Action::Settle(..)
            | Action::Answer(_)
            | Action::Wait(_)) => Ok(other),
        }
    }
}

/// 128 random bits for an attestation.
pub(super) fn nonce() -> Result<String, Trouble> {
    config::random_hex().map_err(|_| Trouble::Program("the system gives no random bytes"))
}

fn trust(case: &Case<'_>) -> TrustRef {
    let Some(loaded) = case.rules.loaded() else { return TrustRef::default() };
    let standing = class_standing(case, &loaded.rules.auto_merge);
    let auto = standing.unlocked() && case.judged.is_some_and(|judged| automates(&judged.place));
    TrustRef {
        good: standing.good,
        total: standing.total,
        lower_bound: shown(standing.lower_bound),
        score: standing.score,
        mode: if auto { "auto".into() } else { "human".into() },
    }
}

async fn push(
    forge: &Arc<dyn Forge>,
    case: &Case<'_>,
    intent: &PushIntent,
    voice: &Voice<'_>,
) -> Result<Done, Trouble> {
    let order = Push {
        branch: intent.branch.clone(),
        old: intent.old.clone(),
        parent: intent.parent.clone(),
        tree: intent.tree.clone(),
        message: voice.say(render::commit_message(case.record)),
        at: intent.at,
    };
    Ok(Done::Pushed(forge.push(&order).await?))
}

/// Finds our pull request before opening one.
async fn open(forge: &Arc<dyn Forge>, case: &Case<'_>, voice: &Voice<'_>) -> Result<Done, Trouble> {
    let record = case.record;
    let (Some(branch), Some(base)) = (&record.branch, &record.base) else {
        return Err(Trouble::Program("a pushed proposal has no branch or base"));
    };
    let order = NewPull {
        head_ref: branch.clone(),
        base_ref: base.clone(),
        title: voice.say(render::pull_title(case)),
        body: format!("{}\n\nThe attestation is being written.\n", crate::domain::attest::FIRST_LINE),
        labels: labels(case),
        reviewers: case.judged.map(|judged| judged.place.reviewers.clone()).unwrap_or_default(),
    };
    let bot = case.facts.repository.bot.id;
    let found = forge.find(branch).await?;
    let ours =
        |pull: &&Pull| pull.author.id == bot && pull.head_repository == record.binding.id && pull.base_ref == *base;
    if let Some(pull) = found.iter().filter(|pull| Some(&pull.head) == record.head.as_ref()).find(ours) {
        // It may have been opened by a turn that ended before it was done.
        if pull.state == PullState::Open && !order.labels.iter().all(|label| pull.labels.contains(label)) {
            forge.complete(pull.number, &order).await?;
        }
        return Ok(Done::Opened(pull.number));
    }
    if let Some(pull) = found.iter().find(|pull| pull.state == PullState::Open) {
        let why = format!(
            "pull request {} stands on our branch and is not ours: close it, then propose under another id",
            pull.number
        );
        return Ok(Done::Foreign(why));
    }
    Ok(Done::Opened(forge.open(&order).await?))
}

fn labels(case: &Case<'_>) -> Vec<String> {
    let mut labels = vec!["countersign".to_owned()];
    if case.judged.is_some_and(|judged| automates(&judged.place)) {
        labels.push("countersign:automerge".to_owned());
    }
    labels
}

async fn report(
    forge: &Arc<dyn Forge>,
    case: &Case<'_>,
    verdict: &Verdict,
    voice: &Voice<'_>,
) -> Result<Done, Trouble> {
    let Some(pull) = &case.facts.pull else { return Ok(Done::Nothing) };
    for check in render::check_texts(case.record, verdict) {
        let report = Report {
            name: check.name.to_owned(),
            conclusion: check.conclusion,
            title: voice.say(check.title),
            summary: voice.say(check.summary),
        };
        forge.report(&pull.head, &report).await?;
    }
    Ok(Done::Reported)
}

/// Closes what is open and ours; a pull request that is over is left as it is.
async fn abandon(forge: &Arc<dyn Forge>, case: &Case<'_>, reason: &Reason, voice: &Voice<'_>) -> Result<Done, Trouble> {
    let open = case.facts.pull.as_ref().filter(|pull| pull.state == PullState::Open);
    if let Some(pull) = open {
        forge.comment(pull.number, "notice", &voice.say(render::notice(reason))).await?;
        forge.close(pull.number).await?;
    }
    let tip = case.facts.branch.as_ref().map(|branch| &branch.commit);
    if let (Some(branch), Some(head), true) = (&case.record.branch, &case.record.head, tip == case.record.head.as_ref())
    {
        forge.remove_branch(branch, head).await?;
    }
    Ok(Done::Nothing)
}

async fn notify(forge: &Arc<dyn Forge>, case: &Case<'_>, reason: &Reason, voice: &Voice<'_>) -> Result<Done, Trouble> {
    if let Some(pull) = &case.facts.pull {
        forge.comment(pull.number, "notice", &voice.say(render::notice(reason))).await?;
    }
    Ok(Done::Nothing)
}
