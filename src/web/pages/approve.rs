//! The page an approver reads before signing, and where the signed token is handed in.
//!
//! Must not change anything on GET, however often it is opened, nor take a form that another site sends.

use super::page;
use super::parts::{Diff, Fact, diff};
use crate::domain::approval::{Claims, Says};
use crate::domain::lifecycle::{Record, Stage};
use crate::domain::proposal::Sealed;
use crate::render::page::Page;
use crate::web::Shared;
use crate::web::answers::{BadBody, Clash, Guarded, Missing, Spent};
use crate::web::api::{booth, find};
use crate::web::auth::Reader;
use crate::web::edge;
use crate::web::problem::Problem;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Serialize;
use std::sync::Arc;

/// The only page with a form; it may be sent to this service and nowhere else.
const CSP: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// What the page shows.
#[derive(Debug, Serialize)]
struct Approving {
    tenant: String,
    id: String,
    headline: String,
    stage: &'static str,
    facts: Vec<Fact>,
    reason: String,
    diff: Option<Diff>,
    commands: Option<Commands>,
    closed: String,
}

#[derive(Debug, Serialize)]
struct Commands {
    approve: String,
    reject: String,
}

/// Whether an approval or a rejection would still change something.
pub(super) fn waits(record: &Record) -> bool {
    matches!(record.stage, Stage::Received | Stage::Pushed | Stage::Open) && record.rejection.is_none()
}

/// Shows what an approver would sign for, and the command that signs it; opening it approves nothing.
#[utoipa::path(get, path = "/proposals/{id}/approve", tag = "pages", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    responses((status = 200, content_type = "text/html", body = String), Guarded, Missing))]
pub(in crate::web) async fn show(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (record, bytes) = find(&shared, &reader, &id).await?;
    let diff = shared.store().artifact(&reader.0.tenant, &record.id, "diff").await?;
    let shown = Approving::of(&shared, &record, &bytes, diff.as_deref());
    let html = page(&shared, Page::Approve, &shown)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, CSP)], html).into_response())
}

/// Takes a token from the page's form, and from no other site's.
#[utoipa::path(post, path = "/proposals/{id}/approve", tag = "pages", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Taken; to the proposal."), Guarded, Missing, Clash, BadBody, Spent))]
pub(in crate::web) async fn take(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    own_form(request.headers())?;
    let bytes = edge::body(request).await?;
    let (says, token) = form(&bytes)?;
    let record = booth(&shared, &reader.0, &id, says, &token).await?;
    Ok(Redirect::to(&format!("/proposals/{}", record.id)).into_response())
}

/// Browsers say where a form comes from; one that does not say so, or says elsewhere, is not taken.
fn own_form(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        (None, _, _) => false,
    };
    if own {
        return Ok(());
    }
    let detail = "the form does not come from this service's own page: open /proposals/{id}/approve here, or send the \
                  token to POST /v1/proposals/{id}/approvals";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_form", "The form is not ours", detail))
}

/// The two fields of the form, each once.
fn form(bytes: &[u8]) -> Result<(Says, String), Problem> {
    let (mut says, mut tokens) = (Vec::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(bytes) {
        match name.as_ref() {
            "says" => says.push(value.into_owned()),
            "token" => tokens.push(value.into_owned()),
            _ => return Err(Problem::bad("form", "the form has a field that is not known")),
        }
    }
    let says = match says.as_slice() {
        [word] if word == "approve" => Says::Approve,
        [word] if word == "reject" => Says::Reject,
        _ => return Err(Problem::bad("form", "says: choose whether the token approves or rejects")),
    };
    match tokens.as_slice() {
        [token] => Ok((says, token.clone())),
        _ => Err(Problem::bad("form", "token: paste the one token that `countersign approve` printed")),
    }
}

impl Approving {
    fn of(shared: &Shared, record: &Record, bytes: &[u8], found: Option<&[u8]>) -> Approving {
        let given: Vec<&str> = record.approvals.iter().map(|approval| approval.approver.as_str()).collect();
        let needed = record.needed.map_or("not computed yet".to_owned(), |needed| needed.to_string());
        let class = record.class.as_ref().map_or("not computed yet".to_owned(), ToString::to_string);
        let closed = if record.rejection.is_some() { "it was rejected" } else { "nobody is asked any more" };
        let closed = if waits(record) { "Its effect is not computed yet: come back in a moment." } else { closed };
        Approving {
            tenant: record.binding.tenant.to_string(),
            id: record.id.clone(),
            headline: format!("{} {}", record.action_kind.name(), record.target),
            stage: record.stage.name(),
            facts: vec![
                ("Digest", format!("sha256:{}", record.digest)),
                ("Repository", record.binding.to_string()),
                ("Class", class),
                ("Approvals needed", needed),
                ("Given by", if given.is_empty() { "nobody yet".to_owned() } else { given.join(", ") }),
                ("Proposed by", record.principal.clone()),
                ("Stands until", super::moment(&record.expires.to_string())),
            ],
            reason: Sealed::stored(bytes).map(|sealed| sealed.proposal.reason).unwrap_or_default(),
            diff: found.map(diff),
            commands: commands(shared, record, bytes),
            closed: closed.to_owned(),
        }
    }
}

/// The exact commands; everything in them is on the page as well.
fn commands(shared: &Shared, record: &Record, bytes: &[u8]) -> Option<Commands> {
    let class = record.class.as_ref().filter(|_| waits(record))?;
    let plan = Sealed::stored(bytes).ok().and_then(|sealed| sealed.proposal.plan);
    let audience = Claims::audience(&shared.site.settings.instance, &record.binding.tenant);
    let mut words = vec![
        format!("--proposal {}", record.id),
        format!("--digest sha256:{}", record.digest),
        format!("--audience {audience}"),
        format!("--action {}", record.action_kind.name()),
        format!("--class {}", class.key()),
        format!("--tier {}", class.tier),
    ];
    words.extend(plan.map(|plan| format!("--plan {} --step {}", quoted(&plan.id), plan.step)));
    let base =
        format!("countersign approve \\\n  {} \\\n  --approver YOUR-ID --key YOUR-KEY.pem", words.join(" \\\n  "));
    Some(Commands { reject: format!("{base} \\\n  --reject 'why not'"), approve: base })
}

/// A word of a shell that stands for itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
