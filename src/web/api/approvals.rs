//! Approvals and rejections: tokens that approvers signed, and what was redeemed.
//!
//! Must not judge a token: that is the domain's, and the reason of a refusal is the log's.

use super::proposals::{find, get};
use crate::config::Role;
use crate::domain::approval::{Redeemed, Says};
use crate::domain::canon;
use crate::domain::lifecycle::Record;
use crate::web::answers::{BadBody, Clash, Guarded, Missing, Spent};
use crate::web::auth::{Caller, Identity, Reader};
use crate::web::booth::{Booth, Unheard};
use crate::web::problem::Problem;
use crate::web::{Shared, edge};
use axum::Json;
use axum::extract::{Path, Request, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// A token that an approver signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Handed {
    /// The compact JWS that `countersign approve` prints.
    token: String,
}

/// An approval that was redeemed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub(in crate::web) struct ApprovalView {
    /// The approver's id.
    approver: String,
    /// The key, by its thumbprint.
    kid: String,
    /// The token's id.
    jti: String,
    /// SHA-256 of the token.
    sha256: String,
    /// When it came.
    at: String,
    /// The token itself, for whoever verifies it; it is used up.
    token: Option<String>,
}

/// A rejection.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rejection)]
pub(in crate::web) struct RejectionView {
    /// The approver's id.
    approver: String,
    /// Why.
    reason: String,
    /// When it came.
    at: String,
}

/// What is needed and what is there.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Approvals)]
pub(in crate::web) struct ApprovalsView {
    /// The proposal.
    proposal: String,
    /// How many are needed; none until the effect is computed.
    needed: Option<u32>,
    /// What a token's `dig` must be.
    digest: String,
    /// What a token's `act` must be.
    #[serde(rename = "actionKind")]
    action_kind: String,
    /// What a token's `aud` must be.
    audience: String,
    /// What a token's `cls` must be; none until the effect is computed.
    class: Option<String>,
    /// What a token's `tier` must be; none until the effect is computed.
    tier: Option<u8>,
    /// Those that were redeemed, oldest first.
    approvals: Vec<ApprovalView>,
    /// An approver's no.
    rejection: Option<RejectionView>,
}

impl ApprovalView {
    fn of(approval: &Redeemed, tokens: &[(String, crate::domain::ids::Time)]) -> ApprovalView {
        let kept = |(token, _): &&(String, _)| crate::domain::ids::Digest::of(token.as_bytes()) == approval.token;
        ApprovalView {
            approver: approval.approver.clone(),
            kid: approval.kid.to_string(),
            jti: approval.jti.clone(),
            sha256: approval.token.to_string(),
            at: approval.at.to_string(),
            token: tokens.iter().find(kept).map(|(token, _)| token.clone()),
        }
    }
}

async fn view(shared: &Shared, record: &Record) -> Result<ApprovalsView, Problem> {
    let tenant = &record.binding.tenant;
    let tokens = shared.store().approvals(tenant, &record.id).await?;
    Ok(ApprovalsView {
        proposal: record.id.clone(),
        needed: record.needed,
        digest: record.digest.to_string(),
        action_kind: record.action_kind.name(),
        audience: crate::domain::approval::Claims::audience(&shared.site.settings.instance, tenant),
        class: record.class.as_ref().map(|class| class.key().to_string()),
        tier: record.class.as_ref().map(|class| class.tier),
        approvals: record.approvals.iter().map(|approval| ApprovalView::of(approval, &tokens)).collect(),
        rejection: record.rejection.as_ref().map(|rejection| RejectionView {
            approver: rejection.by.approver.clone(),
            reason: rejection.reason.clone(),
            at: rejection.by.at.to_string(),
        }),
    })
}

/// Shows which approvals a proposal needs and has, with the tokens, which are used up.
#[utoipa::path(get, operation_id = "approvals", path = "/v1/proposals/{id}/approvals", tag = "proposals", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    responses((status = 200, body = ApprovalsView), Guarded, Missing))]
pub(in crate::web) async fn list(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<ApprovalsView>, Problem> {
    let (record, _) = find(&shared, &reader, &id).await?;
    Ok(Json(view(&shared, &record).await?))
}

/// Hands in an approver's token; the token is the proof, whoever carries it.
#[utoipa::path(post, path = "/v1/proposals/{id}/approvals", tag = "proposals", security(("token" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    request_body = Handed,
    responses((status = 200, description = "Redeemed.", body = ApprovalsView), Guarded, Missing, Clash, BadBody, Spent))]
pub(in crate::web) async fn approve(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<ApprovalsView>, Problem> {
    take(&shared, &caller, &id, Says::Approve, request).await
}

/// Hands in an approver's rejection, which carries its reason; the proposal is dropped.
#[utoipa::path(post, path = "/v1/proposals/{id}/rejection", tag = "proposals", security(("token" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    request_body = Handed,
    responses((status = 200, description = "Rejected.", body = ApprovalsView), Guarded, Missing, Clash, BadBody, Spent))]
pub(in crate::web) async fn reject(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<ApprovalsView>, Problem> {
    take(&shared, &caller, &id, Says::Reject, request).await
}

async fn take(
    shared: &Shared,
    caller: &Identity,
    id: &str,
    says: Says,
    request: Request,
) -> Result<Json<ApprovalsView>, Problem> {
    caller.demand(Role::Read)?;
    let bytes = edge::body(request).await?;
    let handed: Handed = canon::parse(&bytes).and_then(canon::typed).map_err(|error| Problem::malformed(&error))?;
    let record = booth(shared, caller, id, says, &handed.token).await?;
    Ok(Json(view(shared, &record).await?))
}

/// Hears a token of a caller; what it came to, and the record after it.
pub(in crate::web) async fn booth(
    shared: &Shared,
    caller: &Identity,
    id: &str,
    says: Says,
    token: &str,
) -> Result<Record, Problem> {
    let (record, _) = get(shared, &caller.tenant, id).await?;
    let now = shared.now();
    let booth = Booth {
        store: shared.store(),
        instance: &shared.site.settings.instance,
        approvers: &shared.site.roster.approvers(&caller.tenant, now),
        tenant: &caller.tenant,
        principal: &caller.principal,
    };
    match booth.hear(&record.id, says, token.trim(), now).await {
        Ok(record) => {
            metrics::counter!("countersign_approvals_total", "result" => says.word()).increment(1);
            Ok(record)
        }
        Err(Unheard::Refused(_)) => Err(Problem::untaken()),
        Err(Unheard::Spent(again)) => Err(crate::store::StoreError::Spent(again).into()),
        Err(Unheard::Store(error)) => Err(error.into()),
    }
}
