//! What the API shows of a record: camel case, times as RFC 3339 in UTC.
//!
//! Must not show a token, a key, or anything of the settings.

use crate::domain::facts::FileSummary;
use crate::domain::ids::Time;
use crate::domain::lifecycle::{Issued, Owner, Reason, Record, Relations};
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::Judgement;
use crate::store::Happened;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A proposal in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProposalItem)]
pub(super) struct Item {
    /// The service's id, a version 7 UUID.
    id: String,
    /// The sender's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// SHA-256 of the proposal's canonical bytes.
    digest: String,
    /// `received`, `pushed`, `open`, `merged`, `settled` or `dropped`.
    stage: &'static str,
    /// `bot`, or `person` when it was left to people.
    owner: &'static str,
    /// What sort of remediation.
    action_kind: String,
    /// Where, `local:owner/name`.
    repository: String,
    /// What it is about.
    target: String,
    /// The environment, once it is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    /// `observe`, `propose` or `automate`, once it is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// The pull request's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pull: Option<u64>,
    /// `good`, `bad` or `neutral`, once it is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Why it was dropped or left to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonView>,
    /// The proposals it has to do with, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    relations: Option<RelationsView>,
    /// When it came.
    received: String,
    /// Until when it stands.
    expires: String,
}

/// A stable code and a sentence.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
pub(super) struct ReasonView {
    /// The code.
    code: String,
    /// One sentence.
    sentence: String,
}

/// Ids of other proposals of the tenant.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Relations)]
pub(super) struct RelationsView {
    /// The one that makes the same change already.
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<String>,
    /// The newer one that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<String>,
    /// Those whose place it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    supersedes: Vec<String>,
    /// The one whose pull request a person closed: a no to the same change.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_with: Option<String>,
    /// The one whose landed change it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts: Option<String>,
    /// The one that takes its landed change back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverted_by: Option<String>,
}

impl RelationsView {
    fn of(record: &Record) -> Option<RelationsView> {
        let Relations { duplicate_of, superseded_by, supersedes, refused_with, reverts, reverted_by } =
            record.relations.clone();
        let any = !record.relations.is_empty();
        any.then_some(RelationsView { duplicate_of, superseded_by, supersedes, refused_with, reverts, reverted_by })
    }
}

/// Proposals, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProposalList)]
pub(super) struct List {
    /// The proposals.
    pub(super) proposals: Vec<Item>,
    /// What to send as `before` for those that follow; none at the end.
    pub(super) next: Option<String>,
}

/// A proposal with everything that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Proposal)]
pub(super) struct Detail {
    #[serde(flatten)]
    item: Item,
    /// Whose token sent it.
    principal: String,
    /// The branch it is pushed to.
    branch: Option<String>,
    /// The branch it goes into.
    base: Option<String>,
    /// The commit that was pushed.
    head: Option<String>,
    /// Whether countersign merged it without a person.
    auto: bool,
    /// How it was merged.
    landed: Option<LandedView>,
    /// What it changes, file by file: `path`, `added`, `removed` and `touched`.
    #[schema(value_type = Vec<Object>)]
    summary: Vec<FileSummary>,
    /// The tree of gates: `gate`, `state` (pass, wait, refuse), `code`, `sentence`, `children`.
    #[schema(value_type = Option<Object>)]
    verdict: Option<Verdict>,
    /// The newest attestation.
    attestation: Option<AttestationView>,
    /// The proposal as it was sent, without approvals.
    #[schema(value_type = Object)]
    proposal: Value,
    /// Why the last turns failed, where they did.
    trouble: Option<Trouble>,
    /// Where more is.
    links: Links,
}

/// How a change was merged.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Landed)]
pub(super) struct LandedView {
    /// The commit on the base branch.
    commit: String,
    /// The forge's number of who merged.
    by: u64,
    /// When.
    at: String,
    /// Whether it is what was attested, on the base it was attested for or a later one.
    as_attested: Option<bool>,
}

/// The newest attestation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attestation)]
pub(super) struct AttestationView {
    /// SHA-256 of the envelope.
    envelope: String,
    /// The head commit it names.
    head: String,
    /// The base commit it names.
    base: String,
    /// When it was signed.
    issued: String,
    /// When it ends.
    not_after: String,
}

/// Failed turns of a proposal that is not over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Trouble {
    /// How many in a row.
    pub(super) attempts: u64,
    /// The last error.
    pub(super) error: Option<String>,
    /// When it is looked at next.
    pub(super) next: String,
}

/// Where more is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ProposalLinks)]
pub(super) struct Links {
    /// This document.
    #[serde(rename = "self")]
    this: String,
    /// The page for people.
    page: String,
    /// The change as a unified diff, once it is computed.
    diff: Option<String>,
    /// The newest attestation's envelope.
    attestation: Option<String>,
    /// What happened to it.
    events: String,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEvent)]
pub(super) struct EventView {
    /// The entry's index in the log.
    index: u64,
    /// When, whole seconds.
    time: String,
    /// When, microseconds since 1970.
    time_us: i64,
    /// What, `merge.intent`.
    #[serde(rename = "type")]
    kind: String,
    /// Who; none when redacted.
    actor: Option<String>,
    /// The proposal, or empty.
    proposal: String,
    /// The pull request's number, or 0.
    pr: u64,
    /// `allow`, `wait`, `refuse` or `note`.
    decision: &'static str,
    /// A stable code, or empty.
    reason_code: String,
    /// What else is known; none when redacted.
    #[schema(value_type = Option<Object>)]
    payload: Option<Value>,
}

impl EventView {
    pub(super) fn index(&self) -> u64 {
        self.index
    }
}

impl From<Happened> for EventView {
    fn from(happened: Happened) -> EventView {
        EventView {
            index: happened.index,
            time: happened.at.to_string(),
            time_us: happened.at.0,
            kind: happened.kind,
            actor: happened.actor,
            proposal: happened.proposal,
            pr: happened.pr,
            decision: decision(happened.decision),
            reason_code: happened.reason_code,
            payload: happened.payload,
        }
    }
}

/// The word for a decision.
pub(super) fn decision(decision: crate::domain::audit::Decision) -> &'static str {
    use crate::domain::audit::Decision;
    match decision {
        Decision::Allow => "allow",
        Decision::Wait => "wait",
        Decision::Refuse => "refuse",
        Decision::Note => "note",
    }
}

/// The word for an outcome.
pub(super) fn judgement(result: Judgement) -> &'static str {
    match result {
        Judgement::Good => "good",
        Judgement::Bad => "bad",
        Judgement::Neutral => "neutral",
    }
}

impl Item {
    pub(super) fn of(record: &Record) -> Item {
        let reason = record.reason.clone().map(|Reason { code, sentence }| ReasonView { code, sentence });
        Item {
            id: record.id.clone(),
            name: record.name.clone(),
            digest: record.digest.to_string(),
            stage: record.stage.name(),
            owner: match record.owner {
                Owner::Bot => "bot",
                Owner::Person => "person",
            },
            action_kind: record.action_kind.name(),
            repository: record.binding.to_string(),
            target: record.target.clone(),
            environment: record.environment.clone(),
            mode: record.mode.map(|mode| mode.to_string()),
            pull: record.pull,
            outcome: record.outcome.map(judgement),
            reason,
            relations: RelationsView::of(record),
            received: record.received.to_string(),
            expires: record.expires.to_string(),
        }
    }
}

impl Detail {
    /// The whole view; `kept` names what is kept beside the record.
    pub(super) fn of(record: &Record, bytes: &[u8], kept: &[(String, u64)], trouble: Option<Trouble>) -> Detail {
        let landed = record.landed.as_ref().map(|landed| LandedView {
            commit: landed.commit.to_string(),
            by: landed.by.id,
            at: landed.at.to_string(),
            as_attested: record.landed_as_attested,
        });
        Detail {
            item: Item::of(record),
            principal: record.principal.clone(),
            branch: record.branch.clone(),
            base: record.base.clone(),
            head: record.head.as_ref().map(ToString::to_string),
            auto: record.auto,
            landed,
            summary: record.summary.clone(),
            verdict: record.verdict.clone(),
            attestation: record.issued.as_ref().map(AttestationView::of),
            proposal: serde_json::from_slice(bytes).unwrap_or_default(),
            trouble,
            links: Links::of(&record.id, kept),
        }
    }
}

impl AttestationView {
    fn of(issued: &Issued) -> AttestationView {
        AttestationView {
            envelope: issued.envelope.to_string(),
            head: issued.head.to_string(),
            base: issued.base.to_string(),
            issued: issued.issued.to_string(),
            not_after: issued.not_after.to_string(),
        }
    }
}

impl Links {
    fn of(id: &str, kept: &[(String, u64)]) -> Links {
        let has = |name: &str| kept.iter().any(|(kept, _)| kept == name);
        Links {
            this: format!("/v1/proposals/{id}"),
            page: format!("/proposals/{id}"),
            diff: has("diff").then(|| format!("/v1/proposals/{id}/diff")),
            attestation: has("envelope").then(|| format!("/v1/proposals/{id}/attestation")),
            events: format!("/v1/audit/events?proposal={id}"),
        }
    }
}

impl Trouble {
    /// Failed turns as the store tells them; none when none failed.
    pub(super) fn of(found: Option<(u64, Option<String>, Time)>) -> Option<Trouble> {
        let (attempts, error, next) = found.filter(|(attempts, ..)| *attempts > 0)?;
        Some(Trouble { attempts, error, next: next.to_string() })
    }
}
