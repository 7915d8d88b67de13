//! One request to a GitLab instance: the token, the same origin, bounded answers, errors by what they mean.
//!
//! Must not log or answer the token, and must not send it anywhere but to the configured origin.

use crate::domain::ids::{Clock, Time};
use crate::forge::bucket::Bucket;
use crate::forge::resolve::Guarded;
use crate::forge::{ForgeError, wait};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use gitlab::api::{ApiError, AsyncClient, RestClient};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Method, Response, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most bytes of one answer.
const MOST: usize = 16 << 20;
/// The most characters of an error that are shown.
const SHOWN: usize = 500;
/// How often a redirect is followed.
const HOPS: usize = 3;
/// How long a connection may take, and a whole answer; a merge of a large repository is slow.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(90);

/// Reads the token from where it is kept.
pub type TokenSource = Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>;

/// What kept a request from a good answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The forge answers, and not well.
    #[error("{message} (HTTP {status})")]
    Status {
        /// The status.
        status: u16,
        /// What the forge says, cut.
        message: String,
    },
    /// Not before this moment.
    #[error("limited until {0}")]
    Limited(Time),
    /// No answer that can be used; the effect may have happened.
    #[error("{0}")]
    Lost(String),
    /// Nothing was sent: the address or the token cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// Why a request failed, as the crate wraps it.
pub(super) type Failure = ApiError<WireError>;

/// The instance, with the token that speaks for us.
pub(super) struct Wire {
    client: reqwest::Client,
    origin: Url,
    api: Url,
    source: TokenSource,
    token: Mutex<Option<SecretString>>,
    clock: Clock,
    bucket: Bucket,
}

impl Wire {
    /// A wire to the instance at this address; nothing is sent yet.
    pub(super) fn new(url: &str, source: TokenSource, clock: Clock) -> Result<Wire, String> {
        let origin = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        if !matches!(origin.scheme(), "https" | "http") || origin.host_str().is_none() {
            return Err(format!("{url} is not the address of a GitLab instance: write https://HOST"));
        }
        let api = Url::parse(&format!("{}/api/v4/", url.trim_end_matches('/'))).map_err(|e| format!("{url}: {e}"))?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .dns_resolver(Guarded)
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()
            .map_err(|error| format!("{url}: {error}"))?;
        Ok(Wire { client, origin, api, source, token: Mutex::new(None), clock, bucket: Bucket::default() })
    }

    /// The address of a repository for git, at the configured origin.
    pub(super) fn git_url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.origin.as_str().trim_end_matches('/'))
    }

    /// The moment it is.
    pub(super) fn now(&self) -> Time {
        (self.clock)()
    }

    /// The token, read when it is first needed.
    pub(super) fn token(&self) -> Result<SecretString, WireError> {
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = kept.as_ref() {
            return Ok(token.clone());
        }
        let read = (self.source)().map_err(WireError::Unusable)?;
        *kept = Some(read.clone());
        Ok(read)
    }

    /// Reads the token again after the forge did not take it; whether it is another one now.
    fn renew(&self) -> bool {
        let Ok(read) = (self.source)() else { return false };
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let other = kept.as_ref().is_none_or(|old| old.expose_secret() != read.expose_secret());
        *kept = Some(read);
        other
    }

    /// Whether something may be sent now: not before a limit ends, and no more writes than forges take.
    pub(super) fn admit(&self, write: bool) -> Result<(), WireError> {
        match self.bucket.admit(write, self.now()) {
            Err(ForgeError::RateLimited(until)) => Err(WireError::Limited(until)),
            _ => Ok(()),
        }
    }

    async fn ask(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Bytes>, WireError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|error| WireError::Unusable(error.to_string()))?;
        let (parts, body) = request.into_parts();
        self.admit(parts.method != Method::GET)?;
        let sent = Sent { method: parts.method, url, headers: parts.headers, body };
        let mut answer = self.follow(&sent).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.renew() {
            answer = self.follow(&sent).await?;
        }
        self.judge(answer).await
    }

    /// Sends, and follows redirects that stay at the origin; one that leaves it is never followed.
    async fn follow(&self, sent: &Sent) -> Result<Response, WireError> {
        let mut url = sent.url.clone();
        for _ in 0..=HOPS {
            if url.origin() != self.origin.origin() {
                let place = url.host_str().unwrap_or_default();
                return Err(WireError::Unusable(format!("the forge sends us elsewhere, to {place}: set `url` to it")));
            }
            let answer = self.send(sent, url.clone()).await?;
            let status = answer.status().as_u16();
            let repeatable = matches!(status, 307 | 308) || sent.method == Method::GET;
            if !matches!(status, 301 | 302 | 307 | 308) {
                return Ok(answer);
            }
            let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            match to.and_then(|to| url.join(to).ok()).filter(|_| repeatable) {
                Some(next) => url = next,
                None => return Ok(answer),
            }
        }
        Err(WireError::Unusable("the forge redirects in circles".to_owned()))
    }

    async fn send(&self, sent: &Sent, url: Url) -> Result<Response, WireError> {
        let mut headers = sent.headers.clone();
        headers.insert("PRIVATE-TOKEN", secret_header(&self.token()?)?);
        let request = self.client.request(sent.method.clone(), url).headers(headers).body(sent.body.clone());
        request.send().await.map_err(|error| WireError::Lost(reason(error)))
    }

    /// The answer's bytes, or what is wrong with it.
    async fn judge(&self, answer: Response) -> Result<http::Response<Bytes>, WireError> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status == StatusCode::TOO_MANY_REQUESTS {
            let until = until(&headers, self.now());
            self.bucket.close(until);
            return Err(WireError::Limited(until));
        }
        let body = read(answer).await?;
        if !status.is_success() {
            return Err(WireError::Status { status: status.as_u16(), message: said(&body) });
        }
        let mut out = http::Response::builder().status(status);
        if let Some(kept) = out.headers_mut() {
            *kept = headers;
        }
        out.body(body).map_err(|error| WireError::Lost(error.to_string()))
    }
}

/// What is sent, as often as it takes.
struct Sent {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn secret_header(token: &SecretString) -> Result<HeaderValue, WireError> {
    let unusable = || WireError::Unusable("the token holds characters that no token has: write it again".to_owned());
    let mut value = HeaderValue::from_str(token.expose_secret()).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The whole chain of causes, without the address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Reads an answer up to the limit.
async fn read(mut answer: Response) -> Result<Bytes, WireError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| WireError::Lost(reason(error)))? {
        if body.len() + chunk.len() > MOST {
            return Err(WireError::Lost(format!("the answer is over the limit of {MOST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What the forge says is wrong, on one line, cut.
fn said(body: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| value.as_ref().and_then(|value| value.get(name)).cloned();
    let text = match field("message").or_else(|| field("error_description")).or_else(|| field("error")) {
        Some(serde_json::Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => "the answer says nothing that can be read".to_owned(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// The moment until which the forge wants to be left alone.
fn until(headers: &HeaderMap, now: Time) -> Time {
    wait::sane(wait::retry_after(headers, now).or_else(|| wait::reset(headers, "ratelimit-reset")), now)
}

impl RestClient for Wire {
    type Error = WireError;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, Failure> {
        Ok(self.api.join(endpoint)?)
    }
}

#[async_trait]
impl AsyncClient for Wire {
    async fn rest_async(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<http::Response<Bytes>, Failure> {
        let request = request.body(body).map_err(|error| ApiError::client(WireError::Unusable(error.to_string())))?;
        self.ask(request).await.map_err(ApiError::client)
    }
}

impl From<WireError> for ForgeError {
    fn from(error: WireError) -> ForgeError {
        let text = error.to_string();
        match error {
            WireError::Limited(until) => ForgeError::RateLimited(until),
            WireError::Lost(_) => ForgeError::Transient(text),
            WireError::Unusable(_) => ForgeError::Rejected(text),
            WireError::Status { status: 401, .. } => {
                ForgeError::Denied(format!("{text}: the token expired, was revoked or lacks the scope `api`"))
            }
            WireError::Status { status: 403, .. } => {
                ForgeError::Denied(format!("{text}: the token's role or scope is too small"))
            }
            WireError::Status { status: 404 | 410, .. } => ForgeError::NotFound(text),
            WireError::Status { status: 408 | 425 | 500.., .. } => ForgeError::Transient(text),
            WireError::Status { .. } => ForgeError::Rejected(text),
        }
    }
}

impl From<Failure> for ForgeError {
    fn from(failure: Failure) -> ForgeError {
        match failure {
            ApiError::Client { source } => source.into(),
            // A page of HTML, a cut answer, or an object of another form: what happened is not known.
            ApiError::GitlabService { status, .. } => {
                ForgeError::Transient(format!("the answer (HTTP {status}) is not JSON"))
            }
            ApiError::DataType { source, .. } => {
                ForgeError::Transient(format!("the answer has another form: {source}"))
            }
            other => ForgeError::Rejected(other.to_string()),
        }
    }
}

/// The status of a failure that the forge itself answered, with what it said.
pub(super) fn status(failure: &Failure) -> Option<(u16, &str)> {
    match failure {
        ApiError::Client { source: WireError::Status { status, message } } => Some((*status, message)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    const NOW: Time = Time(1_700_000_000_000_000);

    #[test]
    fn f78_every_form_of_a_limit_is_obeyed_and_capped() {
        let wait = |pairs: &[(&'static str, &'static str)]| until(&headers(pairs), NOW).seconds() - NOW.seconds();
        assert_eq!(wait(&[("retry-after", "7")]), 7);
        assert_eq!(wait(&[("retry-after", "Tue, 14 Nov 2023 22:15:20 GMT")]), 120);
        assert_eq!(wait(&[("ratelimit-reset", "1700000030")]), 30);
        assert_eq!(wait(&[("retry-after", "5"), ("ratelimit-reset", "1700000030")]), 5);
        assert_eq!(wait(&[]), 60);
        assert_eq!(wait(&[("retry-after", "soon")]), 60);
        assert_eq!(wait(&[("retry-after", "0")]), 1);
        assert_eq!(wait(&[("retry-after", "999999")]), 3_600);
        assert_eq!(wait(&[("ratelimit-reset", "1")]), 1);
    }

    #[test]
    fn what_is_said_is_one_short_line() {
        assert_eq!(said(br#"{"message":"405 Method\nNot Allowed"}"#), "405 Method Not Allowed");
        assert_eq!(said(br#"{"message":{"base":["no"]}}"#), r#"{"base":["no"]}"#);
        assert_eq!(said(br#"{"error":"insufficient_scope","error_description":"more"}"#), "more");
        assert_eq!(said(b"<html>"), "the answer says nothing that can be read");
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(5000));
        assert_eq!(said(long.as_bytes()).len(), SHOWN);
    }

    #[test]
    fn an_address_without_a_host_is_refused() {
        let source: TokenSource = Arc::new(|| Ok("t".into()));
        let clock: Clock = Arc::new(|| NOW);
        for bad in ["gitlab.com", "ftp://gitlab.com", "file:///x"] {
            assert!(Wire::new(bad, source.clone(), clock.clone()).is_err(), "{bad}");
        }
        let wire = Wire::new("https://gitlab.example/sub", source, clock).unwrap();
        assert_eq!(wire.git_url("acme/shop"), "https://gitlab.example/sub/acme/shop.git");
        assert_eq!(wire.rest_endpoint("projects/1").unwrap().as_str(), "https://gitlab.example/sub/api/v4/projects/1");
    }
}
