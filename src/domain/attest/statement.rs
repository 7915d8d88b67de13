//! What is signed: an in-toto statement whose every row has a live value it must equal at merge.

use super::Fault;
use crate::domain::ids::{Digest, ForgeKind, MergeMethod, Oid, TenantId, Time};
use serde::{Deserialize, Serialize};

/// The predicate's type.
pub const PREDICATE_TYPE: &str = "urn:countersign:remediation:v1";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The editors that made the change; another major may write other bytes.
pub const EDITOR: &str = "countersign-edit@1";

/// An in-toto statement v1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    /// What is stated.
    pub predicate: Predicate,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

/// One subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its digest.
    pub digest: SubjectDigest,
    /// `head`, `merge` or `changeset`.
    pub name: String,
}

/// A subject's digest; exactly one of its fields stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectDigest {
    /// A commit.
    #[serde(rename = "gitCommit", default, skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<Oid>,
    /// A tree.
    #[serde(rename = "gitTree", default, skip_serializing_if = "Option::is_none")]
    pub git_tree: Option<Oid>,
    /// SHA-256 of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// What is stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Predicate {
    /// The format's version, 1.
    pub v: u32,
    /// Rows that are compared with live values at merge.
    pub binding: Binding,
    /// Why it may merge unattended; recorded, not compared.
    pub trust: TrustRef,
    /// When it was signed, RFC 3339, whole seconds.
    pub issued_at: String,
    /// When it ends; no leeway.
    pub not_after: String,
    /// 128 random bits, hex; the newest of a pull request is the only valid one.
    pub nonce: String,
    /// The key.
    pub key: KeyRef,
    /// The event in the tenant's log that announced it.
    pub audit: AuditRef,
}

/// Every row that a live value must equal; built afresh at merge and compared field by field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Binding {
    /// Which deployment speaks.
    pub instance: String,
    /// Whose repository.
    pub tenant: TenantId,
    /// The repository.
    pub forge: ForgeRef,
    /// The pull request.
    pub pr: PullRef,
    /// The branch it goes into.
    pub base: BaseRef,
    /// The branch it comes from and the commit at its head.
    pub head: HeadRef,
    /// How it is merged, and the tree that gives.
    pub merge: MergeRef,
    /// What it changes.
    pub change: ChangeRef,
    /// What was asked for.
    pub proposal: ProposalRef,
    /// The approvals that count, in the order they came.
    pub approvals: Vec<ApprovalRef>,
    /// The rules it was judged by.
    pub policy: PolicyRef,
    /// What reviewers read.
    pub body: BodyRef,
    /// The exact inverse.
    pub rollback: RollbackRef,
    /// The editors.
    pub editor: String,
}

/// The repository; the number is its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ForgeRef {
    /// Which kind of forge.
    pub kind: ForgeKind,
    /// Its host.
    pub host: String,
    /// The repository's number.
    pub repo_id: u64,
    /// The repository's name when signed; for people, not compared.
    pub repo: String,
}

/// The pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRef {
    /// Its number.
    pub number: u64,
}

/// The base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseRef {
    /// The branch.
    #[serde(rename = "ref")]
    pub name: String,
    /// Its tip.
    pub sha: Oid,
}

/// The head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRef {
    /// The branch.
    #[serde(rename = "ref")]
    pub name: String,
    /// Its tip.
    pub sha: Oid,
}

/// The merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeRef {
    /// The method.
    pub method: MergeMethod,
    /// The tree that applying the changes to the base gives.
    pub tree: Oid,
}

/// The change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeRef {
    /// What sort of remediation.
    pub action_kind: String,
    /// The class's key.
    pub class: Digest,
    /// How dangerous its effect is.
    pub tier: u8,
    /// Dangers found in the effect.
    pub destructive: Vec<String>,
    /// The changed paths, sorted.
    pub files: Vec<String>,
    /// SHA-256 of `git diff-tree -r -z --no-renames <head^> <head>`.
    pub changeset: Digest,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalRef {
    /// The id.
    pub id: String,
    /// SHA-256 of the stored bytes.
    pub digest: Digest,
}

/// An approval that counts: who gave it, with which key and token, and when the service had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRef {
    /// The approver's id.
    pub approver: String,
    /// When it came, RFC 3339, whole seconds.
    pub at: String,
    /// The token's id.
    pub jti: String,
    /// The approver's key.
    pub kid: String,
    /// SHA-256 of the token.
    pub sha256: Digest,
}

/// The rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// SHA-256 of the repository's config file.
    pub digest: Digest,
    /// The mode it is in, `propose` or `automate`.
    pub decision: String,
}

/// The text above the block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyRef {
    /// SHA-256 of the normalised text.
    pub sha256: Digest,
}

/// The inverse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRef {
    /// SHA-256 of the inverse's bytes.
    pub sha256: Digest,
}

/// The record of the class when it was signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TrustRef {
    /// Good outcomes.
    pub good: u64,
    /// Outcomes.
    pub total: u64,
    /// The lower bound, three digits.
    pub lower_bound: String,
    /// The score, micro-nats.
    pub score: i64,
    /// `auto` or `human`.
    pub mode: String,
}

/// The key that signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyRef {
    /// Its thumbprint.
    pub kid: String,
    /// The key set's version.
    pub keyset_version: u64,
}

/// The log entry that announced the attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRef {
    /// The log.
    pub origin: String,
    /// The entry's index.
    pub index: u64,
    /// The entry's leaf hash.
    pub leaf: Digest,
}

/// What a new attestation needs beside its binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Now.
    pub issued: Time,
    /// When it ends.
    pub not_after: Time,
    /// 128 random bits, hex.
    pub nonce: String,
    /// The class's record.
    pub trust: TrustRef,
    /// The key.
    pub key: KeyRef,
    /// The entry that announced it.
    pub audit: AuditRef,
}

impl Binding {
    /// The digest that the announcing log entry names.
    pub fn digest(&self) -> Digest {
        Digest::of(&crate::domain::canon::canonical(self))
    }

    /// The same binding for a body whose signed text has this digest.
    #[must_use]
    pub fn with_text(mut self, text: Digest) -> Binding {
        self.body.sha256 = text;
        self
    }

    /// Compares every row with the live values; names the first that differs.
    pub fn compare(&self, live: &Binding) -> Result<(), Fault> {
        let row = |code: &str, same: bool, what: String| if same { Ok(()) } else { Err(Fault::new(code, what)) };
        macro_rules! rows {
            ($($code:literal: $($field:ident).+;)*) => {$(
                row($code, self.$($field).+ == live.$($field).+, format!(
                    "{} attested {:?}, is {:?}", stringify!($($field).+), self.$($field).+, live.$($field).+))?;
            )*};
        }
        rows! {
            "instance.mismatch": instance;
            "tenant.mismatch": tenant;
            "forge.mismatch": forge.kind;
            "forge.mismatch": forge.host;
            "repository.mismatch": forge.repo_id;
            "pr.mismatch": pr.number;
            "base.ref": base.name;
            "head.ref": head.name;
            "head.sha": head.sha;
            "changeset.mismatch": change.changeset;
            "base.sha": base.sha;
            "merge.tree": merge.tree;
            "merge.method": merge.method;
            "change.kind": change.action_kind;
            "change.class": change.class;
            "change.tier": change.tier;
            "change.destructive": change.destructive;
            "change.files": change.files;
            "proposal.mismatch": proposal.id;
            "proposal.mismatch": proposal.digest;
            "approvals.mismatch": approvals;
            "policy.digest": policy.digest;
            "policy.decision": policy.decision;
            "body_changed": body.sha256;
            "rollback.mismatch": rollback.sha256;
            "editor.version": editor;
        }
        Ok(())
    }
}

impl Statement {
    /// States a binding.
    pub fn new(binding: Binding, issue: Issue) -> Statement {
        let subject = subjects(&binding);
        Statement {
            kind: STATEMENT_TYPE.to_owned(),
            predicate: Predicate {
                v: 1,
                binding,
                trust: issue.trust,
                issued_at: issue.issued.to_string(),
                not_after: issue.not_after.to_string(),
                nonce: issue.nonce,
                key: issue.key,
                audit: issue.audit,
            },
            predicate_type: PREDICATE_TYPE.to_owned(),
            subject,
        }
    }

    /// Judges what the types cannot: constants, the three subjects, times.
    pub(super) fn check_form(&self) -> Result<(), Fault> {
        let form = |holds: bool, what: &str| {
            if holds { Ok(()) } else { Err(Fault::new("attestation.malformed", what)) }
        };
        form(self.kind == STATEMENT_TYPE, "not an in-toto statement v1")?;
        form(self.predicate_type == PREDICATE_TYPE && self.predicate.v == 1, "not a predicate of this version")?;
        form(self.subject == subjects(&self.predicate.binding), "the three subjects are not those of the predicate")?;
        let nonce = &self.predicate.nonce;
        form(
            nonce.len() == 32 && nonce.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "the nonce is not 32 hex digits",
        )?;
        let (issued, ends) = (time(&self.predicate.issued_at)?, time(&self.predicate.not_after)?);
        form(issued < ends, "it ends before it was issued")
    }
}

fn subjects(binding: &Binding) -> Vec<Subject> {
    let subject = |name: &str, digest| Subject { digest, name: name.to_owned() };
    vec![
        subject("head", SubjectDigest { git_commit: Some(binding.head.sha.clone()), ..SubjectDigest::default() }),
        subject("merge", SubjectDigest { git_tree: Some(binding.merge.tree.clone()), ..SubjectDigest::default() }),
        subject("changeset", SubjectDigest { sha256: Some(binding.change.changeset), ..SubjectDigest::default() }),
    ]
}

/// Reads a time that must be RFC 3339, UTC with `Z`, whole seconds.
pub(super) fn time(text: &str) -> Result<Time, Fault> {
    let at: Time = text.parse().map_err(|reason: String| Fault::new("attestation.malformed", reason))?;
    if at.to_string() == text {
        Ok(at)
    } else {
        Err(Fault::new("attestation.malformed", format!("`{text}` is not whole seconds UTC")))
    }
}
