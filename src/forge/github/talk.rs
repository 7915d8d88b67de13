//! One conversation with GitHub about one repository: tokens, limits, redirects, bounded answers, kept answers.
//!
//! Must not repeat a request by itself except after a new token, and must not send a token to any other place.

pub(super) use super::answer::{Answer, Verb};
use super::app::App;
use super::clients::Octo;
use super::error::{limited, trouble};
use super::send::send;
use super::session::{Rights, Session, wanted};
use super::shape::{Bot, Slug, Token};
use crate::domain::facts::User;
use crate::domain::ids::Time;
use crate::forge::bucket::Bucket;
use crate::forge::{ForgeError, wait};
use reqwest::header::{ETAG, HeaderMap, IF_NONE_MATCH, LOCATION};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Pages of a list that are read; more are an error.
const PAGES: usize = 30;
/// Items of a page.
pub(super) const PAGE: usize = 100;
/// Redirects that are followed.
const HOPS: usize = 3;
/// Answers that are kept for a question whether they still hold.
const KEPT: usize = 500;
/// An answer over so many bytes is not kept.
const KEEP: usize = 256 << 10;

struct Kept {
    etag: String,
    generation: u64,
    answer: Answer,
}

/// The conversation.
pub(super) struct Talk {
    pub(super) app: Arc<App>,
    installation: u64,
    repository: u64,
    rights: Rights,
    session: tokio::sync::Mutex<Option<Session>>,
    generations: AtomicU64,
    bucket: Bucket,
    kept: Mutex<HashMap<String, Kept>>,
}

impl Talk {
    pub(super) fn new(app: Arc<App>, installation: u64, repository: u64) -> Talk {
        let (session, kept) = (tokio::sync::Mutex::default(), Mutex::default());
        let (rights, generations, bucket) = (Rights::Work, AtomicU64::new(0), Bucket::default());
        Talk { app, installation, repository, rights, session, generations, bucket, kept }
    }

    /// The same with a token that may read deployments, and nothing else.
    pub(super) fn about_deployments(app: Arc<App>, installation: u64, repository: u64) -> Talk {
        Talk { rights: Rights::Deployments, ..Talk::new(app, installation, repository) }
    }

    pub(super) fn now(&self) -> Time {
        self.app.now()
    }

    /// A path below the repository, by its number.
    pub(super) fn at(&self, rest: &str) -> String {
        format!("/repositories/{}{rest}", self.repository)
    }

    /// Reads one thing.
    pub(super) async fn get<T: DeserializeOwned>(&self, what: &str, route: &str) -> Result<T, ForgeError> {
        let answer = self.ask(what, Verb::Get, route, None).await?;
        self.wanted(what, &answer, &[200])?;
        answer.read(what)
    }

    /// Reads one thing that may not be there.
    pub(super) async fn get_if<T: DeserializeOwned>(&self, what: &str, route: &str) -> Result<Option<T>, ForgeError> {
        match self.get(what, route).await {
            Err(ForgeError::NotFound(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Reads all pages of a list; `items` takes them out of a page.
    pub(super) async fn list<P: DeserializeOwned, T>(
        &self,
        what: &str,
        route: &str,
        items: impl Fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, ForgeError> {
        let joint = if route.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let found = items(self.get(what, &format!("{route}{joint}per_page={PAGE}&page={page}")).await?);
            let last = found.len() < PAGE;
            all.extend(found);
            if last {
                return Ok(all);
            }
        }
        Err(ForgeError::Rejected(format!("{what}: there are more than {} of them", PAGES * PAGE)))
    }

    /// Writes, and reads what was made of it.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        what: &str,
        verb: Verb,
        route: &str,
        body: &Value,
    ) -> Result<T, ForgeError> {
        let answer = self.ask(what, verb, route, Some(body)).await?;
        self.wanted(what, &answer, &[200, 201])?;
        answer.read(what)
    }

    /// The error of an answer with none of these statuses.
    pub(super) fn wanted(&self, what: &str, answer: &Answer, statuses: &[u16]) -> Result<(), ForgeError> {
        if statuses.contains(&answer.status) { Ok(()) } else { Err(trouble(what, answer, self.now())) }
    }

    /// One request as the installation; a token that is refused is replaced once.
    pub(super) async fn ask(
        &self,
        what: &str,
        verb: Verb,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ForgeError> {
        self.bucket.admit(verb != Verb::Get, self.now())?;
        let session = self.session().await?;
        let answer = self.once(what, &session, verb, route, body).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.forget(&session).await;
        let session = self.session().await?;
        self.once(what, &session, verb, route, body).await
    }

    async fn once(
        &self,
        what: &str,
        session: &Session,
        verb: Verb,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ForgeError> {
        let old = if verb == Verb::Get { self.kept(route, session.generation) } else { None };
        let mut headers = HeaderMap::new();
        if let Some(etag) = old.as_ref().and_then(|(etag, _)| etag.parse().ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let answer = self.follow(what, &session.octo, verb, route, headers, body).await?;
        match (answer.status, old) {
            (304, Some((_, old))) => Ok(old),
            _ => {
                self.keep(verb, route, session.generation, &answer);
                Ok(answer)
            }
        }
    }

    /// Sends, and sends again to where the same server points: a repository may have been renamed or moved.
    async fn follow(
        &self,
        what: &str,
        octo: &Octo,
        verb: Verb,
        route: &str,
        headers: HeaderMap,
        body: Option<&Value>,
    ) -> Result<Answer, ForgeError> {
        let mut route = route.to_owned();
        for _ in 0..=HOPS {
            let answer = send(what, octo, verb, &route, headers.clone(), body).await?;
            let elsewhere = match answer.status {
                301 | 302 if verb == Verb::Get => true,
                307 | 308 => true,
                _ => false,
            };
            if !elsewhere {
                if let Some(until) = limited(&answer, self.now()) {
                    self.bucket.close(until);
                }
                return Ok(answer);
            }
            match self.within(&answer) {
                Some(next) => route = next,
                None => return Err(trouble(what, &answer, self.now())),
            }
        }
        Err(ForgeError::Rejected(format!("{what}: GitHub points on and on")))
    }

    /// The path below the API that an answer points to; none if it points anywhere else.
    fn within(&self, answer: &Answer) -> Option<String> {
        let location = answer.headers.get(LOCATION)?.to_str().ok()?;
        let api = &self.app.api;
        let target = Url::parse(location).or_else(|_| api.join(location)).ok()?;
        let rest = target.path().strip_prefix(api.path().trim_end_matches('/'))?;
        let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
        (target.origin() == api.origin() && rest.starts_with('/')).then(|| format!("{rest}{query}"))
    }

    fn kept(&self, route: &str, generation: u64) -> Option<(String, Answer)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let old = kept.get(route).filter(|old| old.generation == generation)?;
        Some((old.etag.clone(), old.answer.clone()))
    }

    fn keep(&self, verb: Verb, route: &str, generation: u64, answer: &Answer) {
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
        let (Some(etag), Verb::Get, 200) = (etag, verb, answer.status) else { return };
        if answer.body.len() > KEEP {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(route.to_owned(), Kept { etag: etag.to_owned(), generation, answer: answer.clone() });
    }

    /// The token for git over HTTP.
    pub(super) async fn token(&self) -> Result<Arc<SecretString>, ForgeError> {
        self.bucket.admit(false, self.now())?;
        Ok(self.session().await?.token)
    }

    /// Git refused the token: the next turn takes a new one.
    pub(super) async fn distrust(&self) {
        *self.session.lock().await = None;
    }

    /// Drops a token that was refused.
    async fn forget(&self, refused: &Session) {
        let mut session = self.session.lock().await;
        if session.as_ref().is_some_and(|now| now.generation == refused.generation) {
            *session = None;
        }
    }

    /// The token in use, or a new one when it ends soon; one is asked for at a time.
    pub(super) async fn session(&self) -> Result<Session, ForgeError> {
        let mut session = self.session.lock().await;
        if let Some(session) = session.as_ref().filter(|session| session.lasts(self.now())) {
            return Ok(session.clone());
        }
        let what = "a token for the installation";
        let route = format!("/app/installations/{}/access_tokens", self.installation);
        let answer = self.as_app(what, Verb::Post, &route, Some(&wanted(self.repository, self.rights))).await?;
        if let Some(hint) = refusal(&answer) {
            let said = trouble(what, &answer, self.now());
            return match said {
                ForgeError::RateLimited(_) => Err(said),
                other => Err(ForgeError::Denied(format!("{other}: {hint}"))),
            };
        }
        self.wanted(what, &answer, &[201])?;
        let token: Token = answer.read(what)?;
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        let made = Session::new(&self.app, token.token, token.expires_at.0, generation)?;
        *session = Some(made.clone());
        Ok(made)
    }

    /// One request as the App itself. Where GitHub finds our clock wrong, its own is taken, once.
    pub(super) async fn as_app(
        &self,
        what: &str,
        verb: Verb,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ForgeError> {
        self.bucket.admit(false, self.now())?;
        let answer = self.follow(what, &self.app.as_app()?, verb, route, HeaderMap::new(), body).await?;
        let theirs = answer.headers.get("date").and_then(|date| wait::http_date(date.to_str().ok()?));
        match theirs {
            Some(theirs) if answer.status == 401 && self.app.their_clock(theirs) => {
                self.follow(what, &self.app.as_app()?, verb, route, HeaderMap::new(), body).await
            }
            _ => Ok(answer),
        }
    }

    /// Who we are in comments and reviews.
    pub(super) async fn bot(&self) -> Result<User, ForgeError> {
        let ask = async {
            let what = "who the App is";
            let answer = self.as_app(what, Verb::Get, "/app", None).await?;
            self.wanted(what, &answer, &[200])?;
            let app: Slug = answer.read(what)?;
            let login = super::route::segment(&format!("{}[bot]", app.slug));
            self.get::<Bot>(what, &format!("/users/{login}")).await
        };
        self.app.bot(ask).await
    }

    /// One question to GraphQL; a status of 200 says nothing there.
    pub(super) async fn graph(&self, what: &str, body: &Value) -> Result<Answer, ForgeError> {
        self.bucket.admit(true, self.now())?;
        for last in [false, true] {
            let session = self.session().await?;
            let graph = Octo { rest: session.octo.graph.clone(), graph: session.octo.graph.clone() };
            let answer = send(what, &graph, Verb::Post, "/graphql", HeaderMap::new(), Some(body)).await?;
            if let Some(until) = limited(&answer, self.now()) {
                self.bucket.close(until);
            }
            if answer.status != 401 || last {
                self.wanted(what, &answer, &[200])?;
                return Ok(answer);
            }
            self.forget(&session).await;
        }
        Err(ForgeError::Denied(format!("{what}: GitHub takes none of our tokens")))
    }
}

/// What to do about a token that is not given.
fn refusal(answer: &Answer) -> Option<&'static str> {
    match answer.status {
        401 => Some("see that the App's number, its key and this machine's clock are right"),
        403 => Some("the installation is suspended; its owner can lift that"),
        404 => Some("the App is not installed there any more; install it, or take the repository out of the settings"),
        422 => Some("the installation does not grant this repository or these permissions; its owner can accept them"),
        _ => None,
    }
}
