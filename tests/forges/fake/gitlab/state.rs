//! What lies behind the server: the repository, its pull requests, tokens, people and the project's settings.

use super::{PERSON, READER, TOKEN, bot, refuse};
use axum::http::HeaderMap;
use axum::response::Response;
use countersign::cli::demo::CI;
use countersign::domain::facts::{Pull, User};
use countersign::domain::ids::{Clock, Oid, Time};
use countersign::forge::ForgeError;
use countersign::forge::local::{CheckRecord, Faults, LocalForge, LocalPlace, Person, PullRecord, Rules, Who};
use countersign::git::{Mirror, Node};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

/// Who stands behind a token, and what it may.
#[derive(Clone)]
pub struct Token {
    pub user: User,
    pub writes: bool,
}

/// What a maintainer can set in the project.
#[derive(Clone)]
pub struct Settings {
    pub merge_method: String,
    pub squash_option: String,
    /// Overrides `detailed_merge_status`.
    pub merge_status: Option<String>,
    /// Before GitLab 17.6, `skipped` is no state of a status.
    pub takes_skipped: bool,
    pub archived: bool,
    /// Somebody told GitLab to merge every merge request as soon as it may.
    pub armed: bool,
    pub name: String,
}

/// A note as it was edited here.
#[derive(Clone)]
pub struct Edited {
    pub text: String,
    pub at: Time,
}

pub struct State {
    pub url: OnceLock<String>,
    pub place: LocalPlace,
    pub clock: Clock,
    pub bare: Mirror,
    pub bot: LocalForge,
    pub settings: Mutex<Settings>,
    pub edits: Mutex<BTreeMap<(u64, u64), Edited>>,
    /// Every quick action that was run, by whom.
    pub obeyed: Mutex<Vec<(u64, String)>>,
    /// Deployments by number, from 1: commit, environment, status.
    pub deployments: Mutex<Vec<(Oid, String, &'static str)>>,
    tokens: Mutex<BTreeMap<String, Token>>,
}

/// Number, login and access level of everybody there.
pub const PEOPLE: [(u64, &str, u32); 5] =
    [(7, "dana", 40), (66, "mallory", 30), (77, "guest", 20), (CI, "ci", 30), (8, "erin", 30)];

impl State {
    pub fn new(place: LocalPlace, mirror: &Path, clock: Clock) -> State {
        let token = |user: User, writes: bool| Token { user, writes };
        let dana = User { id: 7, login: "dana".into() };
        let tokens = [
            (TOKEN.to_owned(), token(bot(), true)),
            (READER.to_owned(), token(bot(), false)),
            (PERSON.to_owned(), token(dana, true)),
        ];
        State {
            url: OnceLock::new(),
            bare: Mirror::existing(&place.path).unwrap(),
            bot: LocalForge::new(place.clone(), mirror, bot(), clock.clone(), Faults::default()),
            settings: Mutex::new(Settings {
                merge_method: "merge".into(),
                squash_option: "default_off".into(),
                merge_status: None,
                takes_skipped: true,
                archived: false,
                armed: false,
                name: place.name.clone(),
            }),
            edits: Mutex::default(),
            obeyed: Mutex::default(),
            deployments: Mutex::default(),
            tokens: Mutex::new(tokens.into()),
            place,
            clock,
        }
    }

    /// Somebody deploys a commit.
    pub fn deploys(&self, commit: &Oid, environment: &str, status: &'static str) {
        self.deployments.lock().unwrap().push((commit.clone(), environment.to_owned(), status));
    }

    pub fn url(&self) -> &str {
        self.url.get().unwrap()
    }

    pub fn now(&self) -> Time {
        (self.clock)()
    }

    pub fn settings(&self) -> Settings {
        self.settings.lock().unwrap().clone()
    }

    /// Changes the project's settings.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.lock().unwrap());
    }

    /// Takes a token away, or gives its rights to another.
    pub fn replace_token(&self, old: &str, new: Option<&str>) {
        let mut tokens = self.tokens.lock().unwrap();
        let token = tokens.remove(old).unwrap();
        tokens.extend(new.map(|new| (new.to_owned(), token)));
    }

    pub fn token(&self, text: &str) -> Option<Token> {
        self.tokens.lock().unwrap().get(text).cloned()
    }

    /// Who asks, by either header.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Token, Response> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let sent = header("private-token").or(bearer).and_then(|text| self.token(text));
        sent.ok_or_else(|| refuse(401, "401 Unauthorized"))
    }

    /// Who asks for this project, with the scope that the request needs.
    pub fn enter(&self, headers: &HeaderMap, project: &str, writes: bool) -> Result<Token, Response> {
        let token = self.caller(headers)?;
        if project != self.place.id.to_string() && project != self.settings().name {
            return Err(refuse(404, "404 Project Not Found"));
        }
        if writes && !token.writes {
            let body = serde_json::json!({"error": "insufficient_scope", "scope": "api",
                "error_description": "The request requires higher privileges than provided by the access token."});
            return Err(super::ok(403, body));
        }
        Ok(token)
    }

    pub fn person(&self, user: &User) -> Person {
        Person::new(self.place.clone(), Who { user: user.clone(), can_write: true }, self.clock.clone())
    }

    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.bare.reference(&format!("refs/heads/{branch}")).unwrap_or_default()
    }

    /// The record of a pull request as it is kept.
    pub fn record(&self, iid: u64) -> Result<PullRecord, Response> {
        let kept = self.kept(&format!("refs/countersign/pulls/{iid}"), "pull.json");
        kept.map(|value| serde_json::from_value(value).unwrap()).ok_or_else(|| refuse(404, "404 Not found"))
    }

    /// The pull request with what git says of it.
    pub async fn view(&self, iid: u64) -> Result<Pull, Response> {
        self.record(iid)?;
        Ok(self.person(&bot()).show(iid).await.map_err(trouble)?.0)
    }

    pub fn checks(&self, commit: &Oid) -> Vec<CheckRecord> {
        let kept = self.kept(&format!("refs/countersign/checks/{commit}"), "checks.json");
        kept.map(|value| serde_json::from_value(value).unwrap()).unwrap_or_default()
    }

    /// The rules of a branch; none if nobody may read them.
    pub fn rules(&self, branch: &str) -> Option<Rules> {
        let kept = self.kept("refs/countersign/protection", "protection.json").unwrap_or_default();
        match kept.get(branch) {
            None => Some(Rules::default()),
            Some(rules) => serde_json::from_value(rules.clone()).unwrap(),
        }
    }

    fn kept(&self, reference: &str, file: &str) -> Option<Value> {
        let at = self.bare.reference(reference).unwrap()?;
        let tree = self.bare.tree(&at).unwrap();
        let Some(Node::File { oid, .. }) = self.bare.node(&tree, file).unwrap() else { return None };
        serde_json::from_slice(&self.bare.read(&oid, 64 << 20).unwrap()).ok()
    }

    /// What a person's quick actions would do; the tests want none of ours.
    pub fn obey(&self, user: u64, commands: Vec<String>) {
        self.obeyed.lock().unwrap().extend(commands.into_iter().map(|command| (user, command)));
    }
}

/// The local forge's refusal in GitLab's words.
pub fn trouble(error: ForgeError) -> Response {
    match error {
        ForgeError::NotFound(_) => refuse(404, "404 Not found"),
        ForgeError::Denied(text) => refuse(403, text),
        ForgeError::RateLimited(_) => refuse(429, "Too Many Requests"),
        ForgeError::Rejected(text) => refuse(422, text),
        ForgeError::Transient(text) => refuse(500, text),
    }
}
