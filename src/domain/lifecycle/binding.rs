//! The rows of an attestation, built from live values: the same way when signing and when proving.

use super::Case;
use super::approved::counted;
use crate::domain::approval::Redeemed;
use crate::domain::attest::{
    ApprovalRef, BaseRef, Binding, BodyRef, ChangeRef, EDITOR, ForgeRef, HeadRef, MergeRef, PolicyRef, ProposalRef,
    PullRef, RollbackRef, region_digest,
};
use crate::domain::ids::Digest;

/// Builds every row from what the forge, git, the record and the rules say now; none while one of them is missing.
pub fn live_binding(case: &Case<'_>) -> Option<Binding> {
    let (facts, record) = (case.facts, case.record);
    let (judged, loaded) = (case.judged?, case.rules.loaded()?);
    let (pull, branch) = (facts.pull.as_ref()?, facts.branch.as_ref()?);
    let (base, plan) = (facts.base.as_ref()?, facts.plan.as_ref().ok()?);
    Some(Binding {
        instance: facts.instance.clone(),
        tenant: record.binding.tenant.clone(),
        forge: ForgeRef {
            kind: record.binding.forge,
            host: record.binding.host.clone(),
            repo_id: facts.repository.id,
            repo: facts.repository.name.clone(),
        },
        pr: PullRef { number: pull.number },
        base: BaseRef { name: pull.base_ref.clone(), sha: base.tip.clone() },
        head: HeadRef { name: pull.head_ref.clone(), sha: pull.head.clone() },
        merge: MergeRef { method: loaded.rules.auto_merge.method, tree: plan.tree.clone() },
        change: ChangeRef {
            action_kind: record.action_kind.name(),
            class: judged.class.key(),
            tier: judged.tier,
            destructive: judged.hazards(),
            files: judged.effect.paths().map(str::to_owned).collect(),
            changeset: branch.changeset,
        },
        proposal: ProposalRef { id: record.id.clone(), digest: record.digest },
        approvals: counted(case).into_iter().map(bound).collect(),
        policy: PolicyRef { digest: loaded.digest, decision: judged.place.mode.to_string() },
        body: BodyRef { sha256: region_digest(&pull.body).unwrap_or(Digest([0; 32])) },
        rollback: RollbackRef { sha256: Digest::of(&plan.inverse) },
        editor: EDITOR.to_owned(),
    })
}

fn bound(approval: &Redeemed) -> ApprovalRef {
    ApprovalRef {
        approver: approval.approver.clone(),
        at: approval.at.whole_second().to_string(),
        jti: approval.jti.clone(),
        kid: approval.kid.to_string(),
        sha256: approval.token,
    }
}
