//! What classes of changes have earned.
//!
//! Must not decide whether one may merge: a repository's own config sets the demand that counts.

use crate::domain::ids::{TenantId, Time};
use crate::domain::policy::rules::AutoMerge;
use crate::domain::trust::{Demand, Outcome, Standing, Terms, Track, standing};
use crate::store::Tracked;
use crate::web::Shared;
use crate::web::answers::{Guarded, Missing};
use crate::web::auth::Reader;
use crate::web::problem::Problem;
use crate::web::view::judgement;
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The track records of a tenant.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Trust {
    /// The classes, by key.
    classes: Vec<ClassView>,
}

/// The track record of a class, judged under what its repository's config demanded last.
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
    /// Whether the record is enough; nothing merges by itself without `mode: automate` in the repository's config.
    pub(in crate::web) unlocked: bool,
    /// The lower bound that is needed.
    pub(in crate::web) needed: String,
    /// The demand: `threshold`, `last`, `within` and `soak` in seconds, `targets`, `days`.
    #[schema(value_type = Object)]
    pub(in crate::web) demand: Demand,
    /// Where it stands: `total`, `good`, `neutral`, `overdue`, `lower_bound`, `needed`, `score`, `pass`, `targets`,
    /// `days`, `in_flight`, `gaps`.
    #[schema(value_type = Object)]
    pub(in crate::web) standing: Standing,
}

/// One class with its outcomes.
#[derive(Serialize, ToSchema)]
#[schema(as = ClassHistory)]
pub(in crate::web) struct History {
    #[serde(flatten)]
    pub(in crate::web) class: ClassView,
    /// Its outcomes, oldest first.
    pub(in crate::web) outcomes: Vec<OutcomeView>,
}

/// An outcome that counts in a class.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Outcome)]
pub(in crate::web) struct OutcomeView {
    /// The changed files.
    target: String,
    /// When it was merged, if it was.
    merged: Option<String>,
    /// When the outcome was known.
    at: String,
    /// `good`, `bad` or `neutral`.
    result: &'static str,
    /// Whether countersign merged it without a person.
    auto: bool,
    /// Who proposed it: principal and major version.
    maker: String,
    /// The epoch it was made in.
    epoch: String,
    /// Whether it was an incident, a loss or a mismatch.
    severe: bool,
    /// Who reported it.
    evidence: String,
}

impl OutcomeView {
    fn of(outcome: &Outcome) -> OutcomeView {
        OutcomeView {
            target: outcome.target.clone(),
            merged: outcome.merged.map(|at| at.to_string()),
            at: outcome.at.to_string(),
            result: judgement(outcome.result),
            auto: outcome.auto,
            maker: outcome.maker.clone(),
            epoch: outcome.epoch.clone(),
            severe: outcome.severe,
            evidence: outcome.evidence.clone(),
        }
    }
}

impl ClassView {
    fn of(tracked: Tracked, track: &Track, now: Time) -> ClassView {
        let Tracked { class, counts, terms } = tracked;
        let terms = terms.unwrap_or_else(|| Terms {
            demand: AutoMerge::default().demand(),
            epoch: track.outcomes.last().map(|outcome| outcome.epoch.clone()).unwrap_or_default(),
        });
        let standing = standing(track, &terms, None, now);
        ClassView {
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
            needed: terms.demand.threshold.to_string(),
            demand: terms.demand,
            standing,
        }
    }
}

/// Shows every class a proposal of the tenant was in.
#[utoipa::path(get, path = "/v1/trust", tag = "trust", security(("token" = []), ("browser" = [])),
    responses((status = 200, body = Trust), Guarded))]
pub(in crate::web) async fn classes(State(shared): State<Arc<Shared>>, reader: Reader) -> Result<Json<Trust>, Problem> {
    Ok(Json(Trust { classes: all(&shared, &reader).await? }))
}

/// Shows one class with its outcomes.
#[utoipa::path(get, path = "/v1/trust/{class}", tag = "trust", security(("token" = []), ("browser" = [])),
    params(("class" = String, Path, description = "The class's key, or its first 12 digits or more.")),
    responses((status = 200, body = History), Guarded, Missing))]
pub(in crate::web) async fn class(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(key): Path<String>,
) -> Result<Json<History>, Problem> {
    let (class, track) = one(&shared, &reader.0.tenant, &key).await?;
    let outcomes = track.outcomes.iter().map(OutcomeView::of).collect();
    Ok(Json(History { class, outcomes }))
}

/// Every class of the reader's tenant.
pub(in crate::web) async fn all(shared: &Shared, reader: &Reader) -> Result<Vec<ClassView>, Problem> {
    let tenant = &reader.0.tenant;
    let mut views = Vec::new();
    for tracked in shared.store().classes(tenant).await? {
        let track = shared.store().track(tenant, tracked.class.key()).await?;
        views.push(ClassView::of(tracked, &track, shared.now()));
    }
    Ok(views)
}

/// One class and everything that is known of it.
pub(in crate::web) async fn one(shared: &Shared, tenant: &TenantId, key: &str) -> Result<(ClassView, Track), Problem> {
    let mut found = shared.store().classes(tenant).await?;
    found.retain(|tracked| key.len() >= 12 && tracked.class.key().to_string().starts_with(key));
    let (Some(tracked), true) = (found.pop(), found.is_empty()) else { return Err(Problem::missing("class")) };
    let track = shared.store().track(tenant, tracked.class.key()).await?;
    Ok((ClassView::of(tracked, &track, shared.now()), track))
}
