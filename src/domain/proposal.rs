//! The proposal: what somebody asks for, with its reason, its digest and the limits of every field.
//!
//! Must not know who sent it or what stands in the repository: that is judged later.

pub mod adapt;
mod check;
mod clean;

use super::canon::{self, Malformed};
use super::change::{Change, Select, SelectObject};
use super::ids::{Digest, ForgeKind, TenantId, Time};
use super::redact::Redactor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The principal of what countersign proposes itself: a revert after a bad outcome.
pub const OWN: &str = "countersign";

/// The most bytes a proposal may have.
pub const MAX_BYTES: usize = 1 << 20;
/// How long a proposal stands when it does not say, seconds: 14 days.
pub const DEFAULT_LIFE: i64 = 14 * 86_400;

/// The only version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// Version 1.
    #[serde(rename = "countersign/v1")]
    V1,
}

/// The only kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// A proposal.
    Proposal,
}

/// The closed list of sorts of remediation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ActionKind {
    /// Another image, tag or digest.
    SetImage,
    /// Another number of replicas.
    SetReplicas,
    /// Other requests or limits.
    SetResources,
    /// Other environment variables.
    SetEnv,
    /// Other probes.
    SetProbe,
    /// An annotation that restarts a workload.
    RestartWorkload,
    /// Values of a Helm chart.
    SetHelmValue,
    /// Any field of a manifest.
    PatchManifest,
    /// Any field of a kustomization.
    PatchKustomization,
    /// A Terraform variable.
    SetTerraformVariable,
    /// Any attribute of a Terraform block.
    PatchTerraform,
    /// Reconciliation paused or resumed.
    SuspendReconciliation,
    /// The inverse of an earlier change.
    Rollback,
    /// A new object.
    AddManifest,
    /// An object less.
    RemoveManifest,
    /// A written runbook; never executed.
    Runbook,
}

impl ActionKind {
    /// Every kind, in order.
    pub const ALL: [ActionKind; 16] = [
        ActionKind::SetImage,
        ActionKind::SetReplicas,
        ActionKind::SetResources,
        ActionKind::SetEnv,
        ActionKind::SetProbe,
        ActionKind::RestartWorkload,
        ActionKind::SetHelmValue,
        ActionKind::PatchManifest,
        ActionKind::PatchKustomization,
        ActionKind::SetTerraformVariable,
        ActionKind::PatchTerraform,
        ActionKind::SuspendReconciliation,
        ActionKind::Rollback,
        ActionKind::AddManifest,
        ActionKind::RemoveManifest,
        ActionKind::Runbook,
    ];

    /// The name as written in proposals, config and labels.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// The name as part of a branch: `set-image`.
    pub fn slug(self) -> String {
        let mut slug = String::new();
        for c in self.name().chars() {
            if c.is_ascii_uppercase() && !slug.is_empty() {
                slug.push('-');
            }
            slug.push(c.to_ascii_lowercase());
        }
        slug
    }
}

/// A request to change files of one repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Proposal {
    /// `countersign/v1`.
    pub api_version: ApiVersion,
    /// `Proposal`.
    pub kind: Kind,
    /// The sender's own name for it; unique in the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub id: Option<String>,
    /// Must be the sender's tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub tenant: Option<TenantId>,
    /// What sort of remediation it is.
    pub action_kind: ActionKind,
    /// Where.
    pub repository: RepositoryRef,
    /// A claim; always computed from the changed paths, and a claim that differs is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub environment: Option<String>,
    /// What it is about.
    pub target: Target,
    /// The changes, applied in order, one commit.
    #[schemars(length(min = 1, max = 32))]
    pub changes: Vec<Change>,
    /// Why, for people.
    #[schemars(length(min = 1, max = 4000))]
    pub reason: String,
    /// Where the reason can be looked up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub evidence: Vec<Evidence>,
    /// How sure the proposer is, 0 to 1 as text; may ask for a person, never raises a score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$"))]
    pub confidence: Option<String>,
    /// What it reaches, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blast_radius: Option<BlastRadius>,
    /// How it is taken back, for people; the exact inverse is computed as well.
    pub rollback: Rollback,
    /// The plan it is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Who proposes; must be the principal of the token that sends it.
    pub proposer: Proposer,
    /// The incident it belongs to: within the repository's `holdPeriod` another one with it is dropped as a duplicate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub fingerprint: Option<String>,
    /// Until when it stands; 14 days when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Approval tokens; not part of the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub approvals: Vec<String>,
}

/// A repository by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryRef {
    /// Which forge.
    pub forge: ForgeKind,
    /// `owner/name`.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
    /// The branch to change; the default branch when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub base: Option<String>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `Deployment`, `module`.
    #[schemars(length(min = 1, max = 128))]
    pub kind: String,
    /// Its namespace, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub namespace: Option<String>,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl std::fmt::Display for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(out, "{} {namespace}/{}", self.kind, self.name),
            None => write!(out, "{} {}", self.kind, self.name),
        }
    }
}

/// Where a reason can be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// For people.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// `https://...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2000))]
    pub url: Option<String>,
    /// `sha256:...` of what stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub digest: Option<String>,
}

/// What a change reaches, as the proposer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlastRadius {
    /// Environments.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub environments: Vec<String>,
    /// Objects.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub objects: Vec<Target>,
}

/// How a change is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// One sentence.
    #[schemars(length(min = 1, max = 1000))]
    pub description: String,
}

/// The place of a proposal in a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The plan's name.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// Which step this is, from 1.
    pub step: u32,
    /// Proposals whose good outcome it waits for.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub after: Vec<String>,
}

/// Who proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposer {
    /// The principal, `agent:kubernaut`.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub display: Option<String>,
    /// Its version, as `2.1.0`; a new major version is watched before it may merge by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub version: Option<String>,
}

/// A proposal with the bytes that are stored, hashed and signed for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// The proposal, without approvals.
    pub proposal: Proposal,
    /// Its approval tokens.
    pub approvals: Vec<String>,
    /// RFC 8785 bytes without `approvals`.
    pub bytes: Vec<u8>,
    /// SHA-256 of those bytes.
    pub digest: Digest,
    /// The members from which a secret was taken out before.
    pub redacted: Vec<String>,
}

impl Sealed {
    /// Reads a proposal strictly from JSON or YAML, takes secrets of built-in shapes out of its texts and seals it.
    pub fn read(bytes: &[u8]) -> Result<Sealed, Malformed> {
        Sealed::under(bytes, &Redactor::default())
    }

    /// The same with a tenant's own patterns.
    pub fn under(bytes: &[u8], redactor: &Redactor) -> Result<Sealed, Malformed> {
        let (document, redacted) = clean::clean(Sealed::parsed(bytes)?, redactor)?;
        Ok(Sealed { redacted, ..Sealed::seal(document)? })
    }

    fn parsed(bytes: &[u8]) -> Result<Value, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::at("", format!("{} bytes; a proposal may have {MAX_BYTES}", bytes.len())));
        }
        canon::parse(bytes)
    }

    fn seal(mut document: Value) -> Result<Sealed, Malformed> {
        let mut proposal: Proposal = canon::typed(document.clone())?;
        check::check(&proposal)?;
        let approvals = std::mem::take(&mut proposal.approvals);
        if let Value::Object(map) = &mut document {
            map.shift_remove("approvals");
        }
        let bytes = canon::canonical(&document);
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::at("", format!("{} bytes as JSON; a proposal may have {MAX_BYTES}", bytes.len())));
        }
        let digest = Digest::of(&bytes);
        proposal.aim();
        Ok(Sealed { proposal, approvals, bytes, digest, redacted: Vec::new() })
    }

    /// Reads back bytes that were sealed before.
    pub fn stored(bytes: &[u8]) -> Result<Sealed, Malformed> {
        let sealed = Sealed::seal(Sealed::parsed(bytes)?)?;
        if sealed.bytes == bytes { Ok(sealed) } else { Err(Malformed::at("", "the stored bytes are not canonical")) }
    }
}

impl Proposal {
    /// A manifest change that names neither a file nor a document means the target; the sealed bytes stay as they are.
    fn aim(&mut self) {
        let target = Select::Object(SelectObject {
            kind: Some(self.target.kind.clone()),
            name: Some(self.target.name.clone()),
            namespace: self.target.namespace.clone(),
        });
        for change in &mut self.changes {
            if let Change::Manifest(manifest) = change
                && manifest.file.is_none()
            {
                manifest.select.get_or_insert_with(|| target.clone());
            }
        }
    }

    /// Whether countersign itself proposes it; nobody else may take that name.
    pub fn is_own(&self) -> bool {
        self.proposer.id == OWN
    }

    /// Until when it stands, given when it was received.
    pub fn expires(&self, received: Time) -> Time {
        match self.expires_at.as_deref().map(str::parse) {
            Some(Ok(at)) => at,
            Some(Err(_)) | None => received.plus_seconds(DEFAULT_LIFE),
        }
    }
}

#[cfg(test)]
mod tests;
