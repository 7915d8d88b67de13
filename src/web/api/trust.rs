//! What classes of changes have earned.
//!
//! Must not decide whether one may merge: a repository's own config sets the demand that counts.

use crate::domain::policy::rules::AutoMerge;
use crate::domain::trust::{Standing, standing};
use crate::store::Tracked;
use crate::web::Shared;
use crate::web::answers::Guarded;
use crate::web::auth::Reader;
use crate::web::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The track records of a tenant.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Trust {
    /// The classes, by key.
    classes: Vec<ClassView>,
}

/// The track record of a class, judged under the default demand.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClassRecord)]
pub(in crate::web) struct ClassView {
    /// The class's key.
    pub(in crate::web) key: String,
    /// The repository, by kind, host and number.
    pub(in crate::web) repository: String,
    /// The environment.
    pub(in crate::web) environment: String,
    /// The action kind.
    pub(in crate::web) action_kind: String,
    /// The tier.
    pub(in crate::web) tier: u8,
    /// Good outcomes, ever.
    pub(in crate::web) good: u64,
    /// Bad outcomes, ever.
    pub(in crate::web) bad: u64,
    /// Unknown outcomes, ever.
    pub(in crate::web) neutral: u64,
    /// Whether it was demoted and no person has re-armed it.
    pub(in crate::web) demoted: bool,
    /// Whether it would merge by itself under the default demand.
    pub(in crate::web) unlocked: bool,
    /// The lower bound that is needed.
    pub(in crate::web) needed: String,
    /// Where it stands: `total`, `good`, `neutral`, `lower_bound`, `score`, `targets`, `days`, `in_flight`, `gaps`.
    #[schema(value_type = Object)]
    pub(in crate::web) standing: Standing,
}

/// Shows every class a proposal of the tenant was in.
#[utoipa::path(get, path = "/v1/trust", tag = "trust", security(("token" = []), ("browser" = [])),
    responses((status = 200, body = Trust), Guarded))]
pub(in crate::web) async fn classes(State(shared): State<Arc<Shared>>, reader: Reader) -> Result<Json<Trust>, Problem> {
    Ok(Json(Trust { classes: all(&shared, &reader).await? }))
}

/// Every class of the reader's tenant.
pub(in crate::web) async fn all(shared: &Shared, reader: &Reader) -> Result<Vec<ClassView>, Problem> {
    let tenant = &reader.0.tenant;
    let mut views = Vec::new();
    for tracked in shared.store().classes(tenant).await? {
        let outcomes = shared.store().outcomes(tenant, tracked.class.key()).await?;
        let demand = AutoMerge::default().demand();
        let Tracked { class, counts } = tracked;
        let standing = standing(&outcomes, &demand, counts.demoted, counts.in_flight, shared.now());
        views.push(ClassView {
            key: class.key().to_string(),
            repository: class.repository,
            environment: class.environment,
            action_kind: class.action_kind,
            tier: class.tier,
            good: counts.good,
            bad: counts.bad,
            neutral: counts.neutral,
            demoted: counts.demoted,
            unlocked: standing.unlocked(),
            needed: demand.threshold.to_string(),
            standing,
        });
    }
    Ok(views)
}
