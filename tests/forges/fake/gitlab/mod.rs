//! GitLab's REST API and git over HTTP, over the pull requests of a local forge.
//!
//! Everything that a project, a merge request, a note or a status is lies in the bare repository; here are only GitLab's
//! words for it, its tokens and scopes, its refusals, and its quick actions. What it does otherwise than GitLab: a squash
//! in a project with merge commits leaves no squash commit, only the merge commit; nothing is computed late unless the
//! script says so.

mod events;
mod merge_requests;
mod merging;
mod notes;
mod project;
mod quick;
mod shape;
mod state;
mod statuses;

use super::{Fake, git_http};
use crate::stand::{ID, Server};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as With};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use countersign::cli::demo::HandClock;
use countersign::domain::facts::User;
use countersign::forge::local::LocalPlace;
use serde_json::{Map, Value, json};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path as File;
use std::sync::Arc;

pub use state::{Settings, State};

/// The token of countersign's user.
pub const TOKEN: &str = "glpat-Fake_Token-of-the_bot-0001";
/// A token that may only read.
pub const READER: &str = "glpat-Fake_Token-that-reads-0002";
/// A maintainer's token, for scripts.
pub const PERSON: &str = "glpat-Fake_Token-of-dana-000003";

/// Who countersign is there: the user of a project's access token.
pub fn bot() -> User {
    User { id: 9_001, login: format!("project_{ID}_bot_countersign") }
}

/// Serves the repository at this place as a project; its token is written below `home`.
pub async fn serve(home: &File, place: LocalPlace, clock: &HandClock) -> Server {
    let file = home.join("gitlab.token");
    std::fs::write(&file, TOKEN).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let state = Arc::new(State::new(place, &home.join("gitlab-mirror.git"), clock.clock()));
    let shared = state.clone();
    let fake = Fake::start(|url| {
        shared.url.set(url.to_owned()).unwrap();
        routes(shared.clone())
    })
    .await;
    let forge = format!(
        "[[gitlab]]\nhost = \"gitlab.test\"\nurl = \"{}\"\ntoken_file = {file:?}\nwebhook_secret_files = [\"hook.secret\", \"hook.signing\"]\n",
        fake.url()
    );
    let repository = "forge = \"gitlab\"\nhost = \"gitlab.test\"".to_owned();
    Server { fake, forge, repository, hub: None, lab: Some(state) }
}

/// The token stood in the two headers that are made for it, and nowhere else.
pub fn secrets_stayed_secret(fake: &Fake) {
    for exchange in fake.log.all() {
        let sent = String::from_utf8_lossy(&exchange.body).into_owned();
        assert!(!exchange.uri.contains("glpat") && !sent.contains("glpat"), "{}", exchange.line());
        for (name, value) in &exchange.headers {
            let shown = value.to_str().unwrap_or_default().contains("glpat");
            assert!(!shown || name == "private-token", "{name} of {}", exchange.line());
        }
    }
}

fn routes(state: Arc<State>) -> Router {
    let api = Router::new()
        .route("/user", get(project::me))
        .route("/users", get(project::users))
        .route("/users/{user}", get(project::user))
        .route("/projects/{id}", get(project::show))
        .route("/projects/{id}/approval_rules", get(project::approval_rules))
        .route("/projects/{id}/members/all/{user}", get(project::member))
        .route("/projects/{id}/repository/branches/{branch}", get(project::branch))
        .route("/projects/{id}/repository/commits/{sha}", get(project::commit))
        .route("/projects/{id}/repository/commits/{sha}/statuses", get(statuses::list))
        .route("/projects/{id}/repository/commits/{sha}/merge_requests", get(merge_requests::of_commit))
        .route("/projects/{id}/statuses/{sha}", post(statuses::set))
        .route("/projects/{id}/pipelines", get(statuses::of_commit))
        .route("/projects/{id}/deployments", get(statuses::deployments))
        .route("/projects/{id}/pipelines/{pipeline}/jobs", get(statuses::jobs))
        .route("/projects/{id}/merge_requests", get(merge_requests::list).post(merge_requests::create))
        .route("/projects/{id}/merge_requests/{iid}", get(merge_requests::show).put(merge_requests::update))
        .route("/projects/{id}/merge_requests/{iid}/merge", put(merging::merge))
        .route("/projects/{id}/merge_requests/{iid}/versions", get(merge_requests::versions))
        .route("/projects/{id}/merge_requests/{iid}/approvals", get(merge_requests::approvals))
        .route("/projects/{id}/merge_requests/{iid}/reviewers", get(merge_requests::reviewers))
        .route("/projects/{id}/merge_requests/{iid}/pipelines", get(statuses::pipelines))
        .route("/projects/{id}/merge_requests/{iid}/notes", get(notes::list).post(notes::create))
        .route("/projects/{id}/merge_requests/{iid}/notes/{note}", put(notes::edit));
    let git = Router::new()
        .route("/{owner}/{name}/info/refs", get(refs))
        .route("/{owner}/{name}/git-upload-pack", post(upload))
        .route("/{owner}/{name}/git-receive-pack", post(receive));
    Router::new().nest("/api/v4", api).merge(git).with_state(state)
}

/// What a handler answers: a body, or GitLab's refusal.
pub type Answer = Result<Response, Response>;

/// A refusal in GitLab's form.
pub fn refuse(status: u16, message: impl Into<Value>) -> Response {
    let body = axum::Json(json!({"message": message.into()}));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

/// `{"error": ...}`, the form of refused parameters.
pub fn invalid(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"error": error}))).into_response()
}

/// A body.
pub fn ok(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

/// The fields of a query.
pub fn query(raw: &RawQuery) -> Map<String, Value> {
    let text = raw.0.clone().unwrap_or_default();
    fields(url::form_urlencoded::parse(text.as_bytes()))
}

/// The fields of a body, form or JSON.
pub fn body(headers: &HeaderMap, bytes: &Bytes) -> Result<Map<String, Value>, Response> {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") && !bytes.is_empty() {
        return serde_json::from_slice(bytes).map_err(|_| invalid("The request body is not valid JSON"));
    }
    Ok(fields(url::form_urlencoded::parse(bytes)))
}

/// `name[]` collects a list.
fn fields(pairs: url::form_urlencoded::Parse<'_>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in pairs {
        match name.strip_suffix("[]") {
            Some(name) => {
                let list = all.entry(name).or_insert_with(|| json!([]));
                list.as_array_mut().unwrap().push(value.into());
            }
            None => drop(all.insert(name.into_owned(), value.into())),
        }
    }
    all
}

/// A field as text, whatever it was sent as.
pub fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

pub fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    text(fields, name).is_some_and(|value| value == "true")
}

/// One page of a list, with the headers that tell of the next one.
pub fn page(all: Vec<Value>, query: &Map<String, Value>) -> Response {
    let number = |name: &str, or: usize| text(query, name).and_then(|text| text.parse().ok()).unwrap_or(or);
    let (per_page, page) = (number("per_page", 20).clamp(1, 100), number("page", 1).max(1));
    let total = all.len();
    let shown: Vec<Value> = all.into_iter().skip((page - 1) * per_page).take(per_page).collect();
    let mut response = ok(200, shown.into());
    let next = if page * per_page < total { (page + 1).to_string() } else { String::new() };
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-page", page.to_string()),
        ("x-per-page", per_page.to_string()),
        ("x-next-page", next),
        ("x-total", total.to_string()),
        ("x-total-pages", total.div_ceil(per_page).to_string()),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    response
}

/// Git's name of the project, with or without `.git`; any user with a token for a password.
fn git(state: &State, owner: &str, name: &str, headers: &HeaderMap, writes: bool) -> Option<u16> {
    let Some((_, password)) = git_http::basic(headers) else { return Some(401) };
    let Some(token) = state.token(&password) else { return Some(401) };
    if format!("{owner}/{}", name.trim_end_matches(".git")) != state.settings().name {
        return Some(404);
    }
    (writes && !token.writes).then_some(403)
}

async fn refs(
    With(state): With<Arc<State>>,
    Path((owner, name)): Path<(String, String)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Response {
    let service = text(&query(&raw), "service").unwrap_or_default();
    match git(&state, &owner, &name, &headers, service == "git-receive-pack") {
        Some(status) => git_http::status(status),
        None => git_http::refs(&state.place.path, &service).await,
    }
}

async fn upload(
    With(state): With<Arc<State>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    match git(&state, &owner, &name, &headers, false) {
        Some(status) => git_http::status(status),
        None => git_http::exchange(&state.place.path, "git-upload-pack", sent).await,
    }
}

async fn receive(
    With(state): With<Arc<State>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Response {
    match git(&state, &owner, &name, &headers, true) {
        Some(status) => git_http::status(status),
        None => git_http::exchange(&state.place.path, "git-receive-pack", sent).await,
    }
}
