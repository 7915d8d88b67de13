//! The state of the server, and what every answer has in common.

use super::auth::Grant;
use super::{APP, bot};
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use countersign::cli::demo::HandClock;
use countersign::domain::facts::{Conclusion, Pull, User};
use countersign::domain::ids::{Digest, Oid};
use countersign::forge::local::{CheckRecord, Comment, Faults, LocalForge, LocalPlace, Person, Who};
use countersign::forge::{Forge, ForgeError};
use countersign::git::{Mirror, Node};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// How the server is disposed.
#[derive(Clone, Debug)]
pub struct Mood {
    /// The repository's name now; a renamed one keeps its number.
    pub name: String,
    /// Tokens of the new long form.
    pub long_tokens: bool,
    /// The installation is suspended.
    pub suspended: bool,
    /// Seconds by which its clock is before ours.
    pub ahead: i64,
    /// Whether commits through the API are signed.
    pub signs: bool,
    /// Permissions that the installation grants.
    pub grants: BTreeMap<String, String>,
    /// The repository is read-only.
    pub archived: bool,
    /// Everybody: login, number, permission.
    pub people: Vec<(String, u64, &'static str)>,
    /// `mergeable` and `mergeable_state` instead of the true ones.
    pub mergeable: Option<(Option<bool>, &'static str)>,
    /// Who armed GitHub's own merge of every pull request: login and number.
    pub armed: Option<(&'static str, u64)>,
    /// Deliveries: id, guid, status, seconds ago.
    pub deliveries: Vec<(u64, &'static str, u16, i64)>,
}

/// What the local forge does not keep.
#[derive(Default)]
pub struct Extra {
    pub tokens: BTreeMap<String, Grant>,
    pub minted: u64,
    /// Check runs by number, from 1: commit, name, app.
    pub runs: Vec<(String, String, u64)>,
    /// Title and summary of our check runs.
    pub outputs: BTreeMap<(String, String), (String, String)>,
    pub reviewers: BTreeMap<u64, Vec<String>>,
    pub redelivered: Vec<u64>,
    /// By number, from 1.
    pub deployments: Vec<super::deployments::Deployed>,
}

pub struct Hub {
    pub url: String,
    pub place: LocalPlace,
    pub clock: HandClock,
    pub local: LocalForge,
    mood: Mutex<Mood>,
    extra: Mutex<Extra>,
}

/// The ref of a handler's state.
pub type At = State<Arc<Hub>>;
/// What a handler answers; an error is an answer too.
pub type Said = Result<Response, Response>;

impl Hub {
    pub fn new(url: &str, place: LocalPlace, clock: HandClock, home: &Path) -> Hub {
        let mirror = home.join("github-mirror.git");
        let local = LocalForge::new(place.clone(), &mirror, bot(), clock.clock(), Faults::default());
        let grants = [("metadata", "read"), ("contents", "write"), ("pull_requests", "write"), ("checks", "write")];
        let grants = grants.into_iter().chain([("statuses", "read")]);
        let people = [("dana", 7, "write"), ("mallory", 66, "write"), ("guest", 77, "read"), ("ci", 15368, "write")];
        let mood = Mood {
            name: place.name.clone(),
            long_tokens: true,
            suspended: false,
            ahead: 0,
            signs: true,
            grants: grants.map(|(name, level)| (name.to_owned(), level.to_owned())).collect(),
            people: people.into_iter().map(|(login, id, level)| (login.to_owned(), id, level)).collect(),
            archived: false,
            mergeable: None,
            armed: None,
            deliveries: Vec::new(),
        };
        let (mood, extra) = (Mutex::new(mood), Mutex::default());
        Hub { url: url.to_owned(), place, clock, local, mood, extra }
    }

    pub fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap()
    }

    pub fn extra(&self) -> MutexGuard<'_, Extra> {
        self.extra.lock().unwrap()
    }

    /// Its own clock, seconds.
    pub fn seconds(&self) -> i64 {
        self.clock.now().seconds() + self.mood().ahead
    }

    pub fn git(&self) -> git2::Repository {
        git2::Repository::open_bare(&self.place.path).unwrap()
    }

    pub fn bare(&self) -> Mirror {
        Mirror::existing(&self.place.path).unwrap()
    }

    /// The App's user as somebody who acts.
    pub fn bot(&self) -> Person {
        Person::new(self.place.clone(), Who { user: bot(), can_write: true }, self.clock.clock())
    }

    /// The address of a thing of the repository.
    pub fn api(&self, rest: &str) -> String {
        format!("{}/api/v3/repos/{}{rest}", self.url, self.mood().name)
    }

    pub fn html(&self, rest: &str) -> String {
        format!("{}/{}{rest}", self.url, self.mood().name)
    }

    pub async fn pull(&self, number: u64) -> Result<(Pull, Vec<Comment>), Response> {
        self.bot().show(number).await.map_err(|_| not_found())
    }

    /// The checks of a commit, as the local forge keeps them.
    pub fn checks(&self, commit: &str) -> Vec<CheckRecord> {
        let bare = self.bare();
        let Ok(Some(at)) = bare.reference(&format!("refs/countersign/checks/{commit}")) else { return Vec::new() };
        let tree = bare.tree(&at).unwrap();
        let Some(Node::File { oid, .. }) = bare.node(&tree, "checks.json").unwrap() else { return Vec::new() };
        serde_json::from_slice(&bare.read(&oid, 1 << 24).unwrap()).unwrap()
    }

    /// The number of a check run; a new one if it is not known.
    pub fn run(&self, commit: &str, name: &str, app: u64) -> u64 {
        let mut extra = self.extra();
        let key = (commit.to_owned(), name.to_owned(), app);
        if let Some(at) = extra.runs.iter().rposition(|run| *run == key) {
            return at as u64 + 1;
        }
        extra.runs.push(key);
        extra.runs.len() as u64
    }

    pub async fn set_check(&self, commit: &Oid, name: &str, conclusion: Conclusion) {
        self.bot().check_commit(commit, name, conclusion, APP).await.unwrap();
    }

    /// What a branch demands; none where nobody may read it.
    pub async fn rules(&self, branch: &str) -> Option<countersign::domain::facts::Protection> {
        self.local.protection(branch).await.unwrap()
    }

    /// The type of a user.
    pub fn kind(user: &User) -> &'static str {
        if user.login.ends_with("[bot]") { "Bot" } else { "User" }
    }
}

pub fn ok(value: Value) -> Said {
    Ok(Json(value).into_response())
}

pub fn created(value: Value) -> Said {
    Ok((StatusCode::CREATED, Json(value)).into_response())
}

/// A refusal as GitHub words it.
pub fn refusal(status: u16, message: &str) -> Response {
    let body =
        json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

pub fn not_found() -> Response {
    refusal(404, "Not Found")
}

/// A validation error with one detail.
pub fn invalid(detail: Value) -> Response {
    let body = json!({
        "message": "Validation Failed", "errors": [detail],
        "documentation_url": "https://docs.github.com/rest", "status": "422"
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

pub fn custom(resource: &str, message: &str) -> Response {
    invalid(json!({"resource": resource, "code": "custom", "message": message}))
}

/// What is wrong with the state itself fails the test, except what a client can cause.
pub fn told(error: ForgeError) -> Response {
    match error {
        ForgeError::NotFound(_) => not_found(),
        ForgeError::Rejected(why) => custom("Thing", &why),
        other => refusal(500, &other.to_string()),
    }
}

/// Dates, limits and entity tags, which belong to one token.
pub async fn finish(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    let token = request.headers().get("authorization").cloned();
    let asked = request.headers().get("if-none-match").cloned();
    let reads = request.method() == "GET" && request.uri().path().starts_with("/api/");
    let (mut parts, body) = next.run(request).await.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.unwrap();
    let date = jiff::Timestamp::from_second(hub.seconds()).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let reset = (hub.seconds() + 3_600).to_string();
    for (name, value) in [
        ("date", date.as_str()),
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "4999"),
        ("x-ratelimit-reset", reset.as_str()),
    ] {
        parts.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    if reads && parts.status == StatusCode::OK {
        let mut seed = bytes.to_vec();
        seed.extend_from_slice(token.as_ref().map(HeaderValue::as_bytes).unwrap_or_default());
        let etag = HeaderValue::from_str(&format!("W/\"{}\"", Digest::of(&seed))).unwrap();
        parts.headers.insert("etag", etag.clone());
        if asked == Some(etag) {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove("content-type");
            parts.headers.remove("content-length");
            return Response::from_parts(parts, Body::empty());
        }
    }
    Response::from_parts(parts, Body::from(bytes))
}
